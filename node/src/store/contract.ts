import { VersionVector } from '@dred/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Entry, LoggedMessage, Position, Store } from './port.ts'
import { at, genesis, message } from './testing/samples.ts'

/** One place to store in, made for one test. */
export interface StoreHarness {
  open(): Promise<Store>
  /** Removes what was stored. The stores are closed before. */
  dispose(): Promise<void>
}

const self = { server: 7, incarnation: 1_700_000_000_000 }
const ownOrigin = '7-1700000000000'
const channel = genesis('a channel')

function ids(messages: readonly LoggedMessage[]): string[] {
  return messages.map(({ entry }) => entry.id)
}

function vector(data: Record<string, number[]>): VersionVector {
  return VersionVector.from(data)
}

/** What every adapter of the store port has to do. */
export function describeStore(name: string, prepare: () => Promise<StoreHarness>): void {
  describe(name, () => {
    let harness: StoreHarness
    let store: Store
    beforeEach(async () => {
      harness = await prepare()
      store = await harness.open()
    })
    afterEach(async () => {
      await store.close()
      await harness.dispose()
    })

    const get = (): Store => store
    describe('append', () => appending(get))
    describe('replicate', () => replicating(get))
    describe('reading', () => reading(get))
    describe('purge', () => purging(get))
    describe('announcements', () => announcing(get))

    it('keeps everything when it is closed and opened again', async () => {
      await store.append(channel, self, 1)
      const { coordinate } = await store.append(message(channel.id, 'kept'), self, 2)
      await store.close()
      store = await harness.open()
      const again = await store.append(message(channel.id, 'kept'), { ...self, incarnation: self.incarnation + 1 }, 3)
      expect(again).toEqual({ created: false, coordinate, acceptedAt: 2 })
      expect((await store.vector()).toData()).toEqual({ [ownOrigin]: [2] })
      expect((await store.channel(channel.id))?.messages).toBe(1)
    })

    it('rejects with store_unavailable once closed', async () => {
      await store.close()
      await expect(store.append(channel, self, 1)).rejects.toMatchObject({ code: 'store_unavailable' })
      await expect(store.vector()).rejects.toMatchObject({ code: 'store_unavailable' })
      await expect(store.ping()).rejects.toMatchObject({ code: 'store_unavailable' })
      await store.close()
    })

    it('answers a ping', async () => {
      await store.ping()
      await store.ping()
    })
  })
}

function appending(store: () => Store): void {
  it('counts without gaps in one incarnation, over all channels', async () => {
    const entries = [channel, message(channel.id, 'a'), genesis('other'), message(genesis('other').id, 'b')]
    const results = await Promise.all(entries.map((entry) => store().append(entry, self, 10)))
    expect(results.map(({ created, coordinate }) => [created, coordinate.n])).toEqual([1, 2, 3, 4].map((n) => [true, n]))
    expect((await store().vector()).toData()).toEqual({ [ownOrigin]: [4] })
  })

  it('answers a known id with its first coordinate and time, whichever origin it came from', async () => {
    await store().replicate(at(channel, [1, 1, 1], 50))
    await store().replicate(at(message(channel.id, 'a'), [1, 1, 2], 60))
    const results = [await store().append(message(channel.id, 'a'), self, 70), await store().append(channel, self, 70)]
    expect(results).toEqual([
      { created: false, coordinate: { server: 1, incarnation: 1, n: 2 }, acceptedAt: 60 },
      { created: false, coordinate: { server: 1, incarnation: 1, n: 1 }, acceptedAt: 50 },
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
    expect(await store().channels(undefined, 10)).toEqual([])
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

function replicating(store: () => Store): void {
  it('takes each origin in order only', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((text) => message(channel.id, text)) as [
      ReturnType<typeof message>,
      ...ReturnType<typeof message>[],
    ]
    expect(await store().replicate(at(b ?? a, [1, 1, 2]))).toBe('gap')
    expect(await store().replicate(at(a, [1, 1, 1]))).toBe('stored')
    expect(await store().replicate(at(b ?? a, [1, 1, 2]))).toBe('stored')
    expect(await store().replicate(at(b ?? a, [1, 1, 2]))).toBe('known')
    expect(await store().replicate(at(c ?? a, [1, 1, 1]))).toBe('known')
    expect(await store().readForward(channel.id, new VersionVector(), { limit: 10 })).toHaveLength(2)
    expect((await store().vector()).toData()).toEqual({ '1-1': [2] })
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
    const gone = (n: number) => ({ kind: 'gone', coordinate: { server: 2, incarnation: 1, n } }) as const
    expect(await store().replicate(gone(5))).toBe('stored')
    expect(await store().replicate(gone(5))).toBe('known')
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

function reading(store: () => Store): void {
  const [a, b, c, d, e] = [1, 2, 3, 4, 5].map((i) => message(channel.id, `message ${i}`))

  /** The log a b c d e; a, c and e are of origin 1-1 at 1, 3 and 4, b and d of 2-1 at 1 and 2. */
  const fill = async (): Promise<string[]> => {
    if (!a || !b || !c || !d || !e) throw new Error('five messages')
    const other = message(genesis('other').id, 'elsewhere')
    const log = [at(a, [1, 1, 1]), at(b, [2, 1, 1]), at(other, [1, 1, 2]), at(c, [1, 1, 3]), at(d, [2, 1, 2]), at(e, [1, 1, 4])]
    for (const entry of log) expect(await store().replicate(entry)).toBe('stored')
    return [a.id, b.id, c.id, d.id, e.id]
  }
  const pick = (all: string[], places: string): (string | undefined)[] => [...places].map((place) => all['abcde'.indexOf(place)])

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

function purging(store: () => Store): void {
  const short = message(channel.id, 'short', { sentAt: 1_000, lifetimeMs: 1_000 })
  const long = message(channel.id, 'long', { sentAt: 1_000, lifetimeMs: 50_000 })

  it('deletes what expired, keeps the vectors and remembers what is gone', async () => {
    await store().append(channel, self, 1)
    await store().append(short, self, 1)
    await store().append(long, self, 1)
    expect(await store().purge(short.expiresAt)).toBe(0)
    expect(await store().purge(short.expiresAt + 1)).toBe(1)
    expect(await store().purge(short.expiresAt + 1)).toBe(0)
    expect(ids(await store().readForward(channel.id, new VersionVector(), { limit: 10 }))).toEqual([long.id])
    const state = await store().channel(channel.id)
    expect(state?.messages).toBe(1)
    expect(state?.vector.toData()).toEqual({ [ownOrigin]: [3] })
    expect((await store().vector()).toData()).toEqual({ [ownOrigin]: [3] })
    expect((await store().purged(channel.id)).toData()).toEqual({ [ownOrigin]: [2] })
    const kinds = (await store().readOrigin({ ...self, from: 1, to: 3 }, 10)).map(({ kind, coordinate }) => [kind, coordinate.n])
    expect(kinds).toEqual([
      ['genesis', 1],
      ['gone', 2],
      ['message', 3],
    ])
    expect(await store().append(message(channel.id, 'next'), self, 2)).toMatchObject({ created: true, coordinate: { n: 4 } })
  })

  it('tells what is gone from what is kept below it', async () => {
    await store().append(channel, self, 1)
    await store().append(long, self, 1)
    await store().append(short, self, 1)
    await store().purge(short.expiresAt + 1)
    const gone = await store().purged(channel.id)
    expect(gone.toData()).toEqual({ [ownOrigin]: [0, 3] })
    expect(ids(await store().readForward(channel.id, gone, { limit: 10 }))).toEqual([long.id])
    await store().purge(long.expiresAt + 1)
    expect((await store().purged(channel.id)).toData()).toEqual({ [ownOrigin]: [3] })
  })

  it('gives runs of what is gone as one entry, also at the end', async () => {
    for (const n of [1, 2, 3, 4, 5])
      await store().replicate(at(message(channel.id, `${n}`, { lifetimeMs: n === 3 ? 90_000 : 1 }), [1, 1, n]))
    await store().purge(10_000)
    const read = async (from: number, to: number, limit = 10) =>
      (await store().readOrigin({ server: 1, incarnation: 1, from, to }, limit)).map(({ kind, coordinate }) => [kind, coordinate.n])
    expect(await read(1, 9)).toEqual([
      ['gone', 2],
      ['message', 3],
      ['gone', 5],
    ])
    expect(await read(2, 4)).toEqual([
      ['gone', 2],
      ['message', 3],
      ['gone', 4],
    ])
    expect(await read(1, 9, 1)).toEqual([['gone', 2]])
    expect(await read(1, 9, 2)).toEqual([
      ['gone', 2],
      ['message', 3],
    ])
  })

  it('does not let an expired message in again', async () => {
    await store().append(channel, self, 1)
    await store().append(short, self, 1)
    await store().purge(short.expiresAt + 1)
    const announced: Entry[] = []
    store().onAppended((entry) => announced.push(entry))
    expect(await store().replicate(at(short, [1, 1, 1]))).toBe('stored')
    await expect(store().append(short, self, 3)).rejects.toMatchObject({ code: 'message_expired' })
    expect((await store().vector()).toData()).toEqual({ '1-1': [1], [ownOrigin]: [2] })
    expect(await store().readForward(channel.id, new VersionVector(), { limit: 10 })).toEqual([])
    expect((await store().purged(channel.id)).toData()).toEqual({ '1-1': [1], [ownOrigin]: [2] })
    expect((await store().channel(channel.id))?.messages).toBe(0)
    expect(announced).toEqual([])
    expect(await store().append(message(channel.id, 'next', { sentAt: 3_000 }), self, 4)).toMatchObject({ coordinate: { n: 3 } })
  })

  it('deletes a channel that was idle too long, with its messages', async () => {
    const idle = genesis('idle', { createdAt: 1_000, idleMs: 500 })
    const last = message(idle.id, 'last', { sentAt: 2_000, lifetimeMs: 90_000 })
    await store().append(idle, self, 1)
    await store().append(last, self, 1)
    expect(await store().purge(2_500)).toBe(0)
    expect(await store().purge(2_501)).toBe(2)
    expect(await store().channel(idle.id)).toBeUndefined()
    expect(await store().channels(undefined, 10)).toEqual([])
    expect(await store().readForward(idle.id, new VersionVector(), { limit: 10 })).toEqual([])
    expect((await store().vector()).toData()).toEqual({ [ownOrigin]: [2] })
    await expect(store().append(idle, self, 3)).rejects.toMatchObject({ code: 'channel_expired' })
    await expect(store().append(message(idle.id, 'late', { sentAt: 2_000 }), self, 3)).rejects.toMatchObject({ code: 'channel_expired' })
    expect(await store().replicate(at(last, [1, 1, 1]))).toBe('stored')
    expect(await store().replicate(at(idle, [1, 1, 2]))).toBe('stored')
    expect(await store().channel(idle.id)).toBeUndefined()
    expect(await store().purge(2_501)).toBe(0)
  })

  it('brings a channel back for a message that shows it lived on elsewhere', async () => {
    const idle = genesis('idle', { createdAt: 1_000, idleMs: 500 })
    await store().append(idle, self, 1)
    await store().append(message(idle.id, 'known', { sentAt: 1_200 }), self, 1)
    await store().purge(2_000)
    const proof = message(idle.id, 'proof', { sentAt: 1_900 })
    await store().replicate(at(proof, [1, 1, 1]))
    expect(await store().channel(idle.id)).toMatchObject({ genesis: idle.genesis, messages: 1, lastActivityAt: 1_900 })
    expect((await store().channels(undefined, 10)).map(({ id }) => id)).toEqual([idle.id])
    expect((await store().purged(idle.id)).toData()).toEqual({ [ownOrigin]: [2] })
  })

  it('purges thousands of entries in one call', async () => {
    const idle = genesis('idle', { createdAt: 1_000, idleMs: 500 })
    const messages = Array.from({ length: 1_300 }, (_, i) =>
      message(i % 2 ? idle.id : channel.id, `${i}`, { sentAt: 1_000, lifetimeMs: 200 }),
    )
    await Promise.all([channel, idle, ...messages].map((entry) => store().append(entry, self, 1)))
    expect(await store().purge(2_000)).toBe(1_301)
    expect((await store().channel(channel.id))?.messages).toBe(0)
    expect((await store().readOrigin({ ...self, from: 3, to: 2_000 }, 10)).map(({ kind, coordinate }) => [kind, coordinate.n])).toEqual([
      ['gone', 1_302],
    ])
  })
}

function announcing(store: () => Store): void {
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
