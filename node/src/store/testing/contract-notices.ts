import { expect, it } from 'vitest'
import type { Notice } from '../../notices/port.ts'
import type { Store } from '../port.ts'

export function notice(about: string, at: number, fields: Partial<Notice> = {}): Notice {
  return { kind: 'revocation', about, at, expiresAt: 10_000, text: `{"about":"${about}","at":${at}}`, ...fields }
}

const byAbout = (notices: Notice[]): Notice[] => notices.toSorted((a, b) => (a.about < b.about ? -1 : 1))

export function keepingNotices(get: () => Store): void {
  const all = async (now: number) => byAbout(await get().notices.all(now))

  it('gives back what was put, of both kinds', async () => {
    const revocation = notice('0xabc/ключ', 1)
    const presence = notice('0xabc/ключ', 2, { kind: 'presence', expiresAt: Number.MAX_SAFE_INTEGER })
    await get().notices.put(revocation)
    await get().notices.put(presence)
    expect((await all(0)).toSorted((a, b) => a.at - b.at)).toEqual([revocation, presence])
  })

  it('keeps the latest about one thing, in whatever order they come, also when what was replaced is not named', async () => {
    const [first, second, third] = [notice('x', 1), notice('x', 2), notice('x', 3)]
    await get().notices.put(second)
    await get().notices.put(first)
    expect(await all(0)).toEqual([second])
    await get().notices.put(third)
    expect(await all(0)).toEqual([third])
  })

  it('keeps, of two of one time, the one with the greater text', async () => {
    const [smaller, greater] = [notice('x', 1, { text: 'a' }), notice('x', 1, { text: 'b' })]
    await get().notices.put(greater)
    await get().notices.put(smaller, greater)
    await get().notices.put(greater)
    expect(await all(0)).toEqual([greater])
  })

  it('takes the same one twice', async () => {
    await get().notices.put(notice('x', 1))
    await get().notices.put(notice('x', 1))
    expect(await all(0)).toHaveLength(1)
  })

  it('forgets one that is replaced', async () => {
    const [first, second] = [notice('x', 1, { expiresAt: 20_000 }), notice('x', 2)]
    await get().notices.put(first)
    await get().notices.put(second, first)
    await get().notices.purge(10_001)
    expect(await all(0)).toEqual([])
  })

  it('does not give what has ended, and deletes it when told to', async () => {
    const [ends, stays] = [notice('ends', 1, { expiresAt: 5_000 }), notice('stays', 1, { expiresAt: 5_001 })]
    await get().notices.put(ends)
    await get().notices.put(stays)
    expect(await all(5_000)).toEqual([ends, stays])
    expect(await all(5_001)).toEqual([stays])
    await get().notices.purge(5_001)
    expect(await all(0)).toEqual([stays])
  })

  it('rejects with store_unavailable once closed', async () => {
    await get().close()
    await expect(get().notices.put(notice('x', 1))).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(get().notices.all(0)).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(get().notices.purge(0)).rejects.toMatchObject({ code: 'store_unavailable' })
  })
}
