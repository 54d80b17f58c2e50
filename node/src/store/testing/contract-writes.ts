import { limits, VersionVector } from '@dred/protocol'
import { expect, it } from 'vitest'
import type { Store } from '../port.ts'
import { at, channel, genesis, ids, message, ownOrigin, self } from './samples.ts'

export function appending(store: () => Store): void {
  it('counts without gaps in one incarnation, over all channels', async () => {
    const entries = [channel, message(channel.id, 'a'), genesis('other'), message(genesis('other').id, 'b')]
    const results = await Promise.all(entries.map((entry) => store().append(entry, self, 10)))
    expect(results.map(({ created, coordinate }) => [created, coordinate.n])).toEqual([1, 2, 3, 4].map((n) => [true, n]))
    expect((await store().vector()).toData()).toEqual({ [ownOrigin]: [4] })
  })

  it('answers a known id with its first coordinate and clock, whichever origin it came from', async () => {
    await store().replicate(at(channel, [1, 1, 1], 50))
    await store().replicate(at(message(channel.id, 'a'), [1, 1, 2], 60))
    const results = [await store().append(message(channel.id, 'a'), self, 70), await store().append(channel, self, 70)]
    expect(results).toEqual([
      { created: false, coordinate: { server: 1, incarnation: 1, n: 2 }, clock: 60 },
      { created: false, coordinate: { server: 1, incarnation: 1, n: 1 }, clock: 50 },
    ])
    expect((await store().vector()).toData()).toEqual({ '1-1': [2] })
  })

  it('keeps one of many equal appends in flight at once', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => store().append(message(channel.id, 'a'), self, 10)))
    expect(results.filter(({ created }) => created)).toHaveLength(1)
    expect(new Set(results.map(({ coordinate }) => coordinate.n))).toEqual(new Set([1]))
    expect(await store().readForward(channel.id, new VersionVector(), { limit: 10 })).toHaveLength(1)
  })

  it('begins at 1 in a new incarnation', async () => {
    await store().append(message(channel.id, 'a'), self, 10)
    const { coordinate } = await store().append(message(channel.id, 'b'), { ...self, incarnation: self.incarnation + 1 }, 10)
    expect(coordinate).toEqual({ server: 7, incarnation: self.incarnation + 1, n: 1 })
  })

  it('makes a channel known by its genesis alone, with what came before it', async () => {
    await store().append(message(channel.id, 'early', { sentAt: 2_000 }), self, 10)
    expect(await store().channel(channel.id)).toBeUndefined()
    expect(await store().channels(undefined, { limit: 10 })).toEqual({ found: [], next: undefined })
    await store().append(channel, self, 11)
    const state = await store().channel(channel.id)
    expect(state).toMatchObject({
      id: channel.id,
      genesis: channel.genesis,
      canonical: channel.canonical,
      messages: 1,
      lastActivityAt: 2_000,
    })
    expect(state?.vector.toData()).toEqual({ [ownOrigin]: [1] })
  })

  it('carries any text unchanged', async () => {
    const text = '\u0000 "\\ é 😀   \n'
    const sent = message(channel.id, text)
    await store().append(sent, self, 10)
    const [read] = await store().readForward(channel.id, new VersionVector(), { limit: 1 })
    expect(read?.entry).toEqual(at(sent, [7, self.incarnation, 1], 10))
  })
}

export function replicating(store: () => Store): void {
  it('takes the entries of an origin in any order, each once', async () => {
    const [a, b, c, d] = [message(channel.id, 'a'), message(channel.id, 'b'), message(channel.id, 'c'), message(channel.id, 'd')]
    const elsewhere = message(genesis('other').id, 'elsewhere')
    const vectors = []
    for (const entry of [at(a, [1, 1, 2]), at(b, [1, 1, 5]), at(c, [1, 1, 1]), at(elsewhere, [1, 1, 3]), at(d, [1, 1, 4])]) {
      expect(await store().replicate(entry)).toBe('stored')
      expect(await store().replicate(entry)).toBe('known')
      vectors.push((await store().vector()).toData()['1-1'])
    }
    expect(vectors).toEqual([[0, 2], [0, 2, 5], [2, 5], [3, 5], [5]])
    const log = await store().readForward(channel.id, new VersionVector(), { limit: 10 })
    expect(log.map(({ entry, watermark }) => [entry.id, watermark])).toEqual([
      [a.id, 0],
      [b.id, 0],
      [c.id, 2],
      [d.id, 5],
    ])
  })

  it('says what a reader has after each message, in the vector of its channel too', async () => {
    await store().replicate(at(channel, [1, 1, 1]))
    const states = []
    for (const n of [4, 6, 2]) {
      await store().replicate(at(message(channel.id, `${n}`), [1, 1, n]))
      states.push((await store().channel(channel.id))?.vector.toData()['1-1'])
    }
    await store().replicate(at(message(genesis('other').id, 'elsewhere'), [1, 1, 3]))
    states.push((await store().channel(channel.id))?.vector.toData()['1-1'])
    await store().replicate(at(message(channel.id, '5'), [1, 1, 5]))
    states.push((await store().channel(channel.id))?.vector.toData()['1-1'])
    expect(states).toEqual([[1, 4], [1, 4, 6], [2, 4, 6], [2, 4, 6], [6]])
  })

  it('refuses what would be one exception too many, and takes it when the gap is smaller', async () => {
    const gone = (from: number, n: number) => ({ kind: 'gone', coordinate: { server: 1, incarnation: 1, n }, from }) as const
    expect(await store().replicate(gone(3, limits.vectorExceptions + 3))).toBe('refused')
    expect(await store().replicate(gone(3, limits.vectorExceptions + 1))).toBe('stored')
    expect(await store().replicate(at(message(channel.id, 'last'), [1, 1, 9_000]))).toBe('stored')
    const before = (await store().vector()).toData()
    expect(await store().replicate(at(message(channel.id, 'one more'), [1, 1, 8_000]))).toBe('refused')
    expect(await store().replicate(gone(9_000, 9_001))).toBe('refused')
    expect(await store().replicate(gone(5, 9))).toBe('known')
    expect((await store().vector()).toData()).toEqual(before)
    expect(ids(await store().readForward(channel.id, new VersionVector(), { limit: 10 }))).toHaveLength(1)
    expect(await store().replicate(at(message(channel.id, 'first'), [1, 1, 1]))).toBe('stored')
    expect(await store().replicate(at(message(channel.id, 'second'), [1, 1, 2]))).toBe('stored')
    expect(await store().replicate(at(message(channel.id, 'one more'), [1, 1, 8_000]))).toBe('stored')
    expect((await store().vector()).toData()).toEqual({ '1-1': [limits.vectorExceptions + 1, 8_000, 9_000] })
  })

  it('goes on counting for a client where its own origin has a gap', async () => {
    await store().append(message(channel.id, 'a'), self, 1)
    await store().replicate(at(message(channel.id, 'b'), [self.server, self.incarnation, 3]))
    expect(await store().append(message(channel.id, 'c'), self, 2)).toMatchObject({ coordinate: { n: 2 } })
    expect(await store().append(message(channel.id, 'd'), self, 3)).toMatchObject({ coordinate: { n: 4 } })
    expect((await store().vector()).toData()).toEqual({ [ownOrigin]: [4] })
  })

  it('tells which ids it has nothing under', async () => {
    const [here, missing] = [message(channel.id, 'here'), message(channel.id, 'missing')]
    await store().replicate(at(channel, [1, 1, 1]))
    await store().replicate(at(here, [1, 1, 9]))
    expect(await store().unknown([missing.id, here.id, channel.id, genesis('other').id])).toEqual([missing.id, genesis('other').id])
    expect(await store().unknown([])).toEqual([])
  })

  it('moves the vectors on, without a second copy, for an id known from another origin', async () => {
    const entry = message(channel.id, 'twice')
    await store().replicate(at(channel, [1, 1, 1]))
    await store().replicate(at(entry, [1, 1, 2]))
    expect(await store().replicate(at(entry, [2, 1, 1], 77))).toBe('stored')
    expect(await store().replicate(at(entry, [2, 1, 1]))).toBe('known')
    expect(await store().readForward(channel.id, new VersionVector(), { limit: 10 })).toHaveLength(1)
    const state = await store().channel(channel.id)
    expect(state?.messages).toBe(1)
    expect(state?.vector.toData()).toEqual({ '1-1': [2], '2-1': [1] })
    expect((await store().vector()).toData()).toEqual({ '1-1': [2], '2-1': [1] })
    expect(await store().readOrigin({ server: 2, incarnation: 1, from: 1, to: 9 }, 9)).toEqual([at(entry, [2, 1, 1], 77)])
  })

  it('takes references and runs of what is gone', async () => {
    const entry = message(channel.id, 'a')
    await store().replicate(at(entry, [1, 1, 1]))
    const reference = { kind: 'reference', coordinate: { server: 2, incarnation: 1, n: 1 }, channel: channel.id, id: entry.id } as const
    expect(await store().replicate(reference)).toBe('stored')
    const gone = (n: number, from = 2) => ({ kind: 'gone', coordinate: { server: 2, incarnation: 1, n }, from }) as const
    expect(await store().replicate(gone(5, 4))).toBe('stored')
    expect(await store().replicate(gone(5, 4))).toBe('known')
    expect((await store().vector()).toData()['2-1']).toEqual([1, 4, 5])
    expect(await store().replicate(gone(4, 1))).toBe('stored')
    expect(await store().replicate(gone(5, 1))).toBe('known')
    expect(await store().replicate(at(message(channel.id, 'b'), [2, 1, 6]))).toBe('stored')
    expect(await store().readOrigin({ server: 2, incarnation: 1, from: 1, to: 9 }, 9)).toEqual([
      reference,
      gone(5),
      at(message(channel.id, 'b'), [2, 1, 6]),
    ])
    expect((await store().vector()).toData()).toEqual({ '1-1': [1], '2-1': [6] })
  })

  it('stores one of equal frames that arrive at once from two links', async () => {
    const entries = Array.from({ length: 10 }, (_, i) => at(message(channel.id, `m${i}`), [1, 1, i + 1]))
    const results = await Promise.all(entries.flatMap((entry) => [store().replicate(entry), store().replicate(entry)]))
    expect(results).toEqual(entries.flatMap(() => ['stored', 'known']))
    expect(ids(await store().readForward(channel.id, new VersionVector(), { limit: 20 }))).toEqual(entries.map(({ id }) => id))
  })
}
