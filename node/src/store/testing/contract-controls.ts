import { VersionVector } from '@dred/protocol'
import { expect, it } from 'vitest'
import type { Store } from '../port.ts'
import { at, channel, control, ids, message, ownOrigin, self } from './samples.ts'

export function keepingControls(get: () => Store): void {
  const append = (...args: Parameters<typeof message>) => get().append(message(...args), self, 1)
  const take = (text: string) => get().append(control(channel.id, text), self, 1)

  it('are found without the messages among them, in log order and paged', async () => {
    await get().append(channel, self, 1)
    expect(await get().controls(channel.id, { limit: 10 })).toEqual([])
    for (let i = 0; i < 5; i++) {
      await take(`control ${i}`)
      await append(channel.id, `message ${i}`)
    }
    await get().append(control('C'.repeat(43), 'of another channel'), self, 1)
    const all = await get().controls(channel.id, { limit: 10 })
    const expected = Array.from({ length: 5 }, (_, i) => control(channel.id, `control ${i}`).id)
    expect(ids(all)).toEqual(expected)
    const read = await get().readForward(channel.id, new VersionVector(), { limit: 100 })
    expect(all).toEqual(read.filter(({ entry }) => expected.includes(entry.id)))
    const first = await get().controls(channel.id, { limit: 2 })
    expect(ids(first)).toEqual(expected.slice(0, 2))
    expect(ids(await get().controls(channel.id, { limit: 2, after: first[1]?.position ?? 0 }))).toEqual(expected.slice(2, 4))
  })

  it('of a peer are found too, also while the channel is not known', async () => {
    const entry = at(control(channel.id, 'from a peer'), [1, 1, 1])
    await get().replicate(entry)
    const [found] = await get().controls(channel.id, { limit: 10 })
    expect(found?.entry).toEqual(entry)
  })

  it('stay when the messages around them expire, and do not keep these from being known as purged', async () => {
    await get().append(channel, self, 1)
    await take('first')
    for (let i = 0; i < 3; i++) await append(channel.id, `${i}`)
    await take('second')
    for (let i = 3; i < 6; i++) await append(channel.id, `${i}`, { lifetimeMs: 60_000 })
    expect(await get().purge(12_001)).toBe(3)
    expect(await get().controls(channel.id, { limit: 10 })).toHaveLength(2)
    // Counts: the genesis 1, control 2, gone 3 to 5, control 6, kept 7 to 9.
    expect((await get().purged(channel.id)).toData()).toEqual({ [ownOrigin]: [5] })
    expect(await get().purge(62_001)).toBe(3)
    expect((await get().purged(channel.id)).toData()).toEqual({ [ownOrigin]: [9] })
    const left = await get().readBackward(channel.id, (await get().vector()).clone(), { limit: 10 })
    expect(ids(left)).toEqual([control(channel.id, 'first').id, control(channel.id, 'second').id])
    expect(await get().readOrigin({ ...self, from: 1, to: 9 }, 10)).toMatchObject([
      { kind: 'genesis' },
      { kind: 'message', coordinate: { n: 2 } },
      { kind: 'gone', from: 3, coordinate: { n: 5 } },
      { kind: 'message', coordinate: { n: 6 } },
      { kind: 'gone', from: 7, coordinate: { n: 9 } },
    ])
  })

  it('go with their channel', async () => {
    await get().append(channel, self, 1)
    await take('goes')
    await get().purge(102_001)
    await get().purge(102_001 + 3_600_001)
    expect(await get().controls(channel.id, { limit: 10 })).toEqual([])
    expect(await get().unknown([control(channel.id, 'goes').id])).toHaveLength(1)
  })
}
