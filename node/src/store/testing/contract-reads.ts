import { VersionVector } from '@dred/protocol'
import { expect, it } from 'vitest'
import type { Entry, LoggedMessage, Position, Store } from '../port.ts'
import { at, channel, genesis, ids, message, self } from './samples.ts'

function vector(data: Record<string, number[]>): VersionVector {
  return VersionVector.from(data)
}

export function reading(store: () => Store): void {
  const [a, b, c, d, e] = [
    message(channel.id, 'a'),
    message(channel.id, 'b'),
    message(channel.id, 'c'),
    message(channel.id, 'd'),
    message(channel.id, 'e'),
  ]

  /** The log a b c d e; a, c and e are of origin 1-1 at 1, 3 and 4, b and d of 2-1 at 1 and 2. */
  const fill = async (): Promise<string[]> => {
    const other = message(genesis('other').id, 'elsewhere')
    const log = [at(a, [1, 1, 1]), at(b, [2, 1, 1]), at(other, [1, 1, 2]), at(c, [1, 1, 3]), at(d, [2, 1, 2]), at(e, [1, 1, 4])]
    for (const entry of log) expect(await store().replicate(entry)).toBe('stored')
    return [a.id, b.id, c.id, d.id, e.id]
  }
  const pick = (all: string[], places: string): string[] => all.filter((_, i) => places.includes('abcde'.charAt(i)))

  it.each([
    [{}, 'abcde'],
    [{ '1-1': [1] }, 'bcde'],
    [{ '1-1': [2] }, 'bcde'],
    [{ '1-1': [4] }, 'bd'],
    [{ '1-1': [9], '2-1': [1] }, 'd'],
    [{ '1-1': [0, 3] }, 'abde'],
    [{ '9-1': [5] }, 'abcde'],
    [{ '1-1': [4], '2-1': [2] }, ''],
  ])('gives forward what %j does not cover, in log order', async (seen, expected) => {
    const all = await fill()
    expect(ids(await store().readForward(channel.id, vector(seen), { limit: 10 }))).toEqual(pick(all, expected))
  })

  it.each([
    [{}, 10, ''],
    [{ '1-1': [3] }, 10, 'ac'],
    [{ '1-1': [4], '2-1': [1] }, 2, 'ce'],
    [{ '1-1': [0, 3], '2-1': [2] }, 10, 'bcd'],
    [{ '9-1': [5] }, 10, ''],
  ])('gives backward the newest that %j covers, at most %i', async (within, limit, expected) => {
    const all = await fill()
    expect(ids(await store().readBackward(channel.id, vector(within), limit))).toEqual(pick(all, expected))
  })

  it('does not read all that is covered to find the rest', async () => {
    const texts = Array.from({ length: 4_000 }, (_, i) => message(channel.id, `${i}`))
    const [oldest, ...rest] = texts.map((entry, i) => at(entry, i === 0 ? [1, 1, 1] : [2, 1, i]))
    if (!oldest) throw new Error('messages were expected')
    await Promise.all([oldest, ...rest].map((entry) => store().replicate(entry)))
    const timed = async (read: () => Promise<LoggedMessage[]>): Promise<[count: number, ms: number]> => {
      const runs = []
      for (let i = 0; i < 3; i++) {
        const startedAt = performance.now()
        const { length } = await read()
        runs.push([length, performance.now() - startedAt] as [number, number])
      }
      return runs.sort(([, x], [, y]) => x - y)[1] ?? [0, 0]
    }
    const [all, allMs] = await timed(async () => {
      const read: LoggedMessage[] = []
      for (;;) {
        const after = read.at(-1)?.position
        const page = await store().readForward(channel.id, new VersionVector(), { limit: 64, ...(after === undefined ? {} : { after }) })
        read.push(...page)
        if (page.length < 64) return read
      }
    })
    const [forward, forwardMs] = await timed(() => store().readForward(channel.id, vector({ '2-1': [rest.length - 1] }), { limit: 64 }))
    const [backward, backwardMs] = await timed(() => store().readBackward(channel.id, vector({ '1-1': [1], '2-1': [0, 3_900] }), 64))
    expect([all, forward, backward]).toEqual([4_000, 2, 2])
    expect(forwardMs).toBeLessThan(allMs / 4)
    expect(backwardMs).toBeLessThan(allMs / 4)
  })

  it('gives the newest of all without a bound', async () => {
    const all = await fill()
    expect(ids(await store().readBackward(channel.id, undefined, 2))).toEqual(pick(all, 'de'))
    expect(await store().readBackward(genesis('unknown').id, undefined, 2)).toEqual([])
  })

  it('pages forward by position, while others write', async () => {
    const all = await fill()
    const read: LoggedMessage[] = []
    for (let page = 0; ; page++) {
      const after = read.at(-1)?.position
      const got = await store().readForward(channel.id, new VersionVector(), { limit: 2, ...(after === undefined ? {} : { after }) })
      read.push(...got)
      if (got.length < 2) break
      if (page === 0) await store().replicate(at(message(channel.id, 'late'), [3, 1, 1]))
    }
    expect(ids(read)).toEqual([...all, message(channel.id, 'late').id])
    const positions = read.map(({ position }) => position)
    expect(positions).toEqual([...positions].sort((x, y) => x - y))
    expect(new Set(positions).size).toBe(positions.length)
  })

  it('reads an origin within bounds, over channels', async () => {
    await fill()
    const read = async (from: number, to: number, limit = 10) =>
      (await store().readOrigin({ server: 1, incarnation: 1, from, to }, limit)).map(({ coordinate }) => coordinate.n)
    expect(await read(1, 99)).toEqual([1, 2, 3, 4])
    expect(await read(2, 3)).toEqual([2, 3])
    expect(await read(2, 99, 2)).toEqual([2, 3])
    expect(await read(5, 99)).toEqual([])
    expect(await store().readOrigin({ server: 8, incarnation: 1, from: 1, to: 9 }, 9)).toEqual([])
  })

  it('pages through the known channels in ascending order of id', async () => {
    const all = Array.from({ length: 5 }, (_, i) => genesis(`channel ${i}`))
    for (const entry of all) await store().append(entry, self, 1)
    const sorted = all.map(({ id }) => id).sort()
    const first = await store().channels(undefined, 2)
    expect(first.map(({ id }) => id)).toEqual(sorted.slice(0, 2))
    const rest = await store().channels(first.at(-1)?.id, 10)
    expect(rest.map(({ id }) => id)).toEqual(sorted.slice(2))
    expect(rest[0]?.genesis).toEqual(all.find(({ id }) => id === sorted[2])?.genesis)
  })
}

export function announcing(store: () => Store): void {
  it('tells of each entry once, in log order, before the writer hears of it', async () => {
    const announced: [id: string, position: Position | undefined][] = []
    const stop = store().onAppended(({ id }, position) => announced.push([id, position]))
    const entries = [channel, ...Array.from({ length: 50 }, (_, i) => message(channel.id, `${i}`))]
    await Promise.all(
      entries.map(async (entry, i) => {
        if (i % 3 === 2) await store().replicate(at(entry, [1, 1, (i - 2) / 3 + 1]))
        else await store().append(entry, self, 1)
        expect(announced.some(([id]) => id === entry.id)).toBe(true)
      }),
    )
    await store().append(channel, self, 1)
    await store().replicate(at(channel, [1, 1, 17]))
    const log = await store().readForward(channel.id, new VersionVector(), { limit: 100 })
    expect(announced[0]).toEqual([channel.id, undefined])
    expect(announced.slice(1)).toEqual(log.map(({ entry, position }) => [entry.id, position]))
    stop()
    await store().append(message(channel.id, 'unheard'), self, 1)
    expect(announced).toHaveLength(entries.length)
  })

  it('gives listeners the entry as it is read later', async () => {
    const announced: Entry[] = []
    store().onAppended((entry) => announced.push(entry))
    await store().append(channel, self, 1)
    await store().append(message(channel.id, 'a'), self, 2)
    expect(announced).toEqual(await store().readOrigin({ ...self, from: 1, to: 2 }, 10))
  })
}
