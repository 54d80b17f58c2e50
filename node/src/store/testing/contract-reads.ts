import { VersionVector } from '@dred/protocol'
import { describe, expect, it } from 'vitest'
import type { Entry, LoggedMessage, Place, Store } from '../port.ts'
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
    expect(ids(await store().readBackward(channel.id, vector(within), { limit }))).toEqual(pick(all, expected))
  })

  it('does not read all that is covered to find the rest', async () => {
    const texts = Array.from({ length: 4_000 }, (_, i) => message(channel.id, `${i}`))
    const [oldest, ...rest] = texts.map((entry, i) => at(entry, i === 0 ? [1, 1, 1] : [2, 1, i]))
    if (!oldest) throw new Error('messages were expected')
    await Promise.all([oldest, ...rest].map((entry) => store().replicate(entry)))
    const timed = async (read: () => Promise<LoggedMessage[]>): Promise<[count: number, ms: number]> => {
      let count = 0
      // The fastest of some: a busy machine only makes them slower.
      let ms = Number.POSITIVE_INFINITY
      for (let i = 0; i < 7; i++) {
        const startedAt = performance.now()
        count = (await read()).length
        ms = Math.min(ms, performance.now() - startedAt)
      }
      return [count, ms]
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
    const [backward, backwardMs] = await timed(() =>
      store().readBackward(channel.id, vector({ '1-1': [1], '2-1': [0, 3_900] }), { limit: 64 }),
    )
    expect([all, forward, backward]).toEqual([4_000, 2, 2])
    expect(forwardMs).toBeLessThan(allMs / 4)
    expect(backwardMs).toBeLessThan(allMs / 4)
  })

  it('gives the newest of all that is known', async () => {
    const all = await fill()
    expect(ids(await store().readBackward(channel.id, await store().vector(), { limit: 2 }))).toEqual(pick(all, 'de'))
    expect(await store().readBackward(genesis('unknown').id, await store().vector(), { limit: 2 })).toEqual([])
  })

  describe('of an origin that came out of order', () => {
    /** The log d a c e b: counts 5 1 4 7 2 of origin 1-1; 3 is in another channel and came before the last one. */
    const fillUnordered = async (): Promise<string[]> => {
      const other = message(genesis('other').id, 'elsewhere')
      const log = [at(d, [1, 1, 5]), at(a, [1, 1, 1]), at(c, [1, 1, 4]), at(e, [1, 1, 7]), at(other, [1, 1, 3]), at(b, [1, 1, 2])]
      for (const entry of log) expect(await store().replicate(entry)).toBe('stored')
      return [d.id, a.id, c.id, e.id, b.id]
    }
    const inLog = (places: string): string =>
      Array.from('daceb')
        .filter((place) => places.includes(place))
        .join('')
    const texts = (messages: readonly LoggedMessage[]): string =>
      messages.map(({ entry }) => 'abcde'.charAt([a, b, c, d, e].findIndex(({ id }) => id === entry.id))).join('')

    it.each([
      [[0], 'abcde'],
      [[1], 'bcde'],
      [[1, 5], 'bce'],
      [[3], 'cde'],
      [[4], 'de'],
      [[5], 'e'],
      [[0, 4, 7], 'abd'],
      [[9], ''],
    ])('gives forward what %j does not cover', async (seen, expected) => {
      await fillUnordered()
      expect(texts(await store().readForward(channel.id, vector({ '1-1': seen }), { limit: 10 }))).toBe(inLog(expected))
    })

    it.each([
      [[1], 10, 'a'],
      [[2], 10, 'ab'],
      [[4], 2, 'cb'],
      [[5], 3, 'acb'],
      [[0, 4, 7], 10, 'ce'],
      [[1, 5], 1, 'a'],
    ])('gives backward the newest that %j covers, at most %i', async (within, limit, expected) => {
      await fillUnordered()
      expect(texts(await store().readBackward(channel.id, vector({ '1-1': within }), { limit }))).toBe(inLog(expected))
    })

    it('finds what is wanted behind much that is not', async () => {
      const much = (from: number) => Array.from({ length: 40 }, (_, i) => at(message(channel.id, `${from + i}`), [2, 1, from + i]))
      const log = [at(e, [1, 1, 5]), at(d, [1, 1, 9]), ...much(1), at(a, [1, 1, 1]), ...much(41), at(b, [1, 1, 2]), ...much(81)]
      for (const entry of [...log, at(c, [1, 1, 3])]) await store().replicate(entry)
      const forward = async (seen: number[]) =>
        texts(await store().readForward(channel.id, vector({ '1-1': seen, '2-1': [120] }), { limit: 10 }))
      expect(await Promise.all([[0], [1], [0, 9], [2, 5], [3]].map(forward))).toEqual(['edabc', 'edbc', 'eabc', 'dc', 'ed'])
      const backward = async (within: number[]) => texts(await store().readBackward(channel.id, vector({ '1-1': within }), { limit: 10 }))
      expect(await Promise.all([[1], [2], [0, 9], [1, 5], [5], [9]].map(backward))).toEqual(['a', 'ab', 'd', 'ea', 'eabc', 'edabc'])
    })

    it('pages both ways by position', async () => {
      await fillUnordered()
      const [first, second] = await store().readForward(channel.id, new VersionVector(), { limit: 2 })
      const rest = { limit: 10, after: second?.position ?? 0 }
      expect(texts(await store().readForward(channel.id, vector({ '1-1': [1, 5] }), rest))).toBe('ceb')
      expect(texts(await store().readForward(channel.id, new VersionVector(), rest))).toBe('ceb')
      const [third] = await store().readBackward(channel.id, await store().vector(), { limit: 3 })
      const older = { limit: 10, before: third?.position ?? 0 }
      expect(texts(await store().readBackward(channel.id, await store().vector(), older))).toBe('da')
      expect(texts(await store().readBackward(channel.id, vector({ '1-1': [4] }), older))).toBe('a')
      expect(texts(await store().readBackward(channel.id, await store().vector(), { limit: 10, before: first?.position ?? 0 }))).toBe('')
    })

    it('tells what came ahead of lower counts', async () => {
      await fillUnordered()
      const log = await store().readForward(channel.id, new VersionVector(), { limit: 10 })
      const counts = async (above: number, place: number) => {
        const before = log[place]?.position ?? Number.MAX_SAFE_INTEGER
        return (await store().ahead(channel.id, { '1-1': above, '9-1': 0 }, before)).map(({ n }) => n).sort((x, y) => x - y)
      }
      expect(await counts(1, 1)).toEqual([5])
      expect(await counts(4, 2)).toEqual([5])
      expect(await counts(2, 4)).toEqual([4, 5, 7])
      expect(await counts(2, 0)).toEqual([])
      expect(await store().ahead(channel.id, {}, Number.MAX_SAFE_INTEGER)).toEqual([])
    })

    it('reads the origin in order, leaving out what is not known', async () => {
      await fillUnordered()
      const gone = { kind: 'gone', coordinate: { server: 1, incarnation: 1, n: 10 }, from: 9 } as const
      await store().replicate(gone)
      const read = async (from: number, to: number, limit = 10) =>
        (await store().readOrigin({ server: 1, incarnation: 1, from, to }, limit)).map(({ kind, coordinate }) => [kind, coordinate.n])
      const messages = [1, 2, 3, 4, 5, 7].map((n) => ['message', n])
      expect(await read(1, 99)).toEqual([...messages, ['gone', 10]])
      expect(await read(4, 6)).toEqual(messages.slice(3, 5))
      expect(await read(6, 6)).toEqual([])
      expect(await read(6, 9)).toEqual([messages[5], ['gone', 9]])
      expect(await read(5, 99, 2)).toEqual(messages.slice(4))
    })
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
}

export function announcing(store: () => Store): void {
  it('tells of each entry once, in log order, before the writer hears of it', async () => {
    const announced: [id: string, place: Place | undefined][] = []
    const stop = store().onAppended(({ id }, place) => announced.push([id, place]))
    const entries = [channel, ...Array.from({ length: 50 }, (_, i) => message(channel.id, `${i}`))]
    await Promise.all(
      entries.map(async (entry, i) => {
        // The even counts before the odd ones.
        if (i % 3 === 2) await store().replicate(at(entry, [1, 1, i < 27 ? (2 * (i + 1)) / 3 : (2 * (i - 2)) / 3 - 17]))
        else await store().append(entry, self, 1)
        expect(announced.some(([id]) => id === entry.id)).toBe(true)
      }),
    )
    await store().append(channel, self, 1)
    await store().replicate(at(channel, [1, 1, 17]))
    const log = await store().readForward(channel.id, new VersionVector(), { limit: 100 })
    expect(announced[0]).toEqual([channel.id, undefined])
    expect(announced.slice(1)).toEqual(log.map(({ entry, position, watermark }) => [entry.id, { position, watermark }]))
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
