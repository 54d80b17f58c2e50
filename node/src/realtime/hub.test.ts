import { setImmediate as turn } from 'node:timers/promises'
import { decodeCursor, encodeCursor, VersionVector } from '@dred/protocol'
import { Random } from '@dred/protocol/testing/random'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ChannelTracker } from '../channel-tracker.ts'
import { readForward } from '../log-reader.ts'
import { ReceiptSigner } from '../receipt-signer.ts'
import type { Store } from '../store/port.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { at, genesis, message } from '../store/testing/samples.ts'
import { expectFault } from '../testing/declared-errors.ts'
import { FakeLadder } from '../testing/fake-ladder.ts'
import { jitteryStore } from '../testing/jittery-store.ts'
import { MemorySink } from '../testing/memory-sink.ts'
import { MemoryRegistry } from '../testing/registry-view.ts'
import { ndjson, serverSentEvents } from './format.ts'
import { Hub } from './hub.ts'
import { StoredLevels } from './stored-levels.ts'

const SELF = { server: 1, incarnation: 1_000 }
const { id: channel } = genesis('table')

let memory: Store
let store: Store
let tracker: ChannelTracker
let ladder: FakeLadder
let levels: StoredLevels
let hub: Hub
let delivered: number
let faults: unknown[]

function assemble(seed: number): void {
  delivered = 0
  faults = []
  store = jitteryStore(memory, new Random(seed))
  tracker = new ChannelTracker(store, { capacity: 10, pinned: (id) => hub.has(id) })
  ladder = new FakeLadder(3)
  levels = new StoredLevels({
    signer: new ReceiptSigner({ registry: new MemoryRegistry(), key: { sign: async () => new Uint8Array(64) }, now: () => 5_000 }),
    replicator: ladder,
    self: () => SELF,
  })
  hub = new Hub({
    store,
    tracker,
    levels,
    server: 1,
    maxBufferedBytes: 4_096,
    maxStreams: 100,
    maxSubscriptions: 1_000,
    keepaliveMs: 60_000,
    coalesceMs: (seed + 2) % 3,
    writeMs: 1,
    onDelivered: (messages) => {
      delivered += messages
    },
    onFault: (error, of) => faults.push([error, of]),
  })
}

beforeEach(async () => {
  memory = await openSqliteStore({ path: ':memory:' })
  await memory.append(genesis('table'), SELF, 1)
})
afterEach(async () => {
  hub.stop()
  levels.stop()
  tracker.close()
  await memory.close()
})

let count = 0
async function say(text = String(count++)): Promise<void> {
  await store.append(message(channel, text), SELF, 5_000)
}

async function subscribe(seen?: VersionVector, { format = ndjson, sink = new MemorySink(), receipts = false } = {}): Promise<MemorySink> {
  const tracked = await tracker.get(channel)
  if (!tracked) throw new Error('The channel is unknown')
  hub.open({ channel: tracked, seen: seen ?? tracked.vector.clone(), receipts }, sink, format)
  return sink
}

const untilCaughtUp = (sink: MemorySink): Promise<void> => sink.until(() => sink.events.some(({ type }) => type === 'control'))

/** Ids of what a cursor does not cover, in the order of the log. */
async function idsAfter(seen: VersionVector): Promise<string[]> {
  const ids = []
  for await (const { entry } of readForward(memory, channel, seen)) ids.push(entry.id)
  return ids
}

/** Checks that a reader got what it lacked, once and in order, and that it can go on from the cursors it was given (every `step`th). */
async function expectWhole(sink: MemorySink, seen: VersionVector, step = 1): Promise<void> {
  const expected = await idsAfter(seen)
  expect(sink.messages.map(({ id }) => id)).toEqual(expected)
  let had = 0
  for (const [i, event] of sink.events.entries()) {
    if (event.type === 'message') had++
    if (!('cursor' in event) || i % step !== 0) continue
    expect(await idsAfter(decodeCursor(channel, event.cursor))).toEqual(expected.slice(had))
  }
}

describe('history and live meet', () => {
  test('without a gap or a double, in 200 random interleavings of publishers, peers and readers', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 200; seed++) {
      await memory.close()
      memory = await openSqliteStore({ path: ':memory:' })
      await memory.append(genesis('table'), SELF, 1)
      assemble(seed)
      await expectRound(seed)
      hub.stop()
      levels.stop()
      tracker.close()
    }
  })

  /** A round: two local publishers, one peer whose messages come out of order, and readers that come at random moments from random places. */
  async function expectRound(seed: number): Promise<void> {
    const random = new Random(seed * 7_919)
    const pick = (below: number): number => random.below(below)
    const pause = async (): Promise<void> => {
      for (let turns = pick(8); turns > 0; turns--) await turn()
    }
    const total = 10 + pick(20)
    const publisher = async (name: string): Promise<void> => {
      for (let i = 0; i < total; i++) {
        await say(`${name}${i}`)
        await pause()
      }
    }
    const peer = async (): Promise<void> => {
      const counts = Array.from({ length: total }, (_, i) => ({ n: i + 1, due: i + pick(6) })).sort((a, b) => a.due - b.due)
      for (const { n } of counts) {
        await store.replicate(at(message(channel, `peer ${n}`), [2, 7, n]))
        await pause()
      }
    }
    const readers: { seen: VersionVector; sink: MemorySink }[] = []
    const reader = async (): Promise<void> => {
      for (let turns = pick(120); turns > 0; turns--) await turn()
      // Some have been elsewhere and have what this server will only get.
      const ahead = 1 + pick(total - 1)
      const origins = { '1-1000': [1 + pick(5)], '2-7': pick(2) === 0 ? [ahead] : [ahead - 1, ahead + 1] } as const
      const seen = pick(3) === 0 ? undefined : VersionVector.from(pick(2) === 0 ? {} : origins)
      const start = seen ?? (await tracker.get(channel))?.vector.clone()
      if (!start) throw new Error('The channel is unknown')
      readers.push({ seen: start, sink: await subscribe(start) })
    }
    await Promise.all([publisher('a'), publisher('b'), peer(), reader(), reader(), reader(), reader()])
    const whole = (await idsAfter(new VersionVector())).length
    expect(whole).toBe(3 * total)
    for (const { seen, sink } of readers) {
      const expected = (await idsAfter(seen)).length
      await sink.until(() => sink.messages.length >= expected && sink.events.some(({ type }) => type === 'control'))
    }
    // What would come twice has time to come.
    for (let turns = 0; turns < 50; turns++) await turn()
    for (const { seen, sink } of readers)
      await expectWhole(sink, seen, 7).catch((error: unknown) => Promise.reject(new Error(`seed ${seed}`, { cause: error })))
  }

  test('also when more is announced while history is read than is held', async () => {
    assemble(1)
    const text = 'x'.repeat(60_000)
    for (let i = 0; i < 20; i++) await memory.append(message(channel, `${text}${i}`), SELF, 1)
    const sink = new MemorySink()
    sink.pause()
    await subscribe(new VersionVector(), { sink })
    await sink.until(() => sink.messages.length > 0)
    for (let i = 0; i < 40; i++) await memory.append(message(channel, `${text} live ${i}`), SELF, 1)
    while (tracker.peek(channel)?.vector.watermark('1-1000') !== 61) await turn()
    sink.resume()
    await untilCaughtUp(sink)
    await expectWhole(sink, new VersionVector())
  })
})

test('messages that come in quick succession are written together, the first at once, and no more than a chunk of them is held', async () => {
  assemble(1)
  hub.stop()
  tracker.close()
  store = memory
  const options = {
    maxBufferedBytes: 1_000_000,
    maxStreams: 10,
    maxSubscriptions: 10,
    keepaliveMs: 60_000,
    coalesceMs: 60_000,
    writeMs: 60_000,
  }
  tracker = new ChannelTracker(store, { capacity: 10, pinned: (id) => hub.has(id) })
  hub = new Hub({ store, tracker, levels, server: 1, ...options, onDelivered: () => undefined })
  const sink = await subscribe()
  await untilCaughtUp(sink)
  await say('first')
  await sink.until(() => sink.messages.length === 1)
  const { writes } = sink
  for (let i = 0; i < 3; i++) await say(`${'x'.repeat(20_000)} ${i}`)
  for (let turns = 0; turns < 10; turns++) await turn()
  expect(sink.writes).toBe(writes)
  await say(`${'x'.repeat(20_000)} last`)
  await sink.until(() => sink.messages.length === 5)
  expect(sink.writes).toBe(writes + 1)
  // What waits is not lost by an end, and comes before it; also when what came last lets it wait no longer. An empty chunk would be the end
  // of an answer in HTTP/1.1.
  await say('waits')
  const stop = store.onAppended(() => hub.closeAll('shutting_down', 10))
  await say('x'.repeat(65_536))
  stop()
  expect(sink.events.map(({ type }) => type).slice(-3)).toEqual(['message', 'message', 'close'])
  expect(sink.chunks.filter(({ bytes }) => bytes.length === 0)).toEqual([])
})

test('readers of one format share their bytes, however many messages came in the turn', async () => {
  assemble(1)
  const [a, b, sse] = [await subscribe(), await subscribe(), await subscribe(undefined, { format: serverSentEvents })]
  await Promise.all([untilCaughtUp(a), untilCaughtUp(b)])
  await turn()
  await Promise.all([memory.append(message(channel, 'x'), SELF, 1), memory.append(message(channel, 'y'), SELF, 1)])
  await a.until(() => a.messages.length === 2)
  await turn()
  expect(a.chunks.at(-1)).toBe(b.chunks.at(-1))
  expect(sse.chunks.at(-1)?.bytes.toString()).toMatch(/^event: message\nid: \S+\ndata: \{"type":"message".*\}\n\n/)
  expect(delivered).toBe(6)
})

describe('storage on other servers', () => {
  const stored = ({ events }: MemorySink) => events.filter(({ type }) => type === 'stored')

  test('is told behind the messages, and only to who asked', async () => {
    assemble(1)
    const [asked, other] = [await subscribe(undefined, { receipts: true }), await subscribe()]
    await Promise.all([untilCaughtUp(asked), untilCaughtUp(other)])
    await say()
    await asked.until(() => stored(asked).length === 1)
    expect(asked.events.map(({ type }) => type)).toEqual(['open', 'control', 'message', 'stored'])
    expect(stored(other)).toEqual([])
  })

  test('is not told into the history, but all of it behind', async () => {
    assemble(1)
    for (let i = 0; i < 20; i++) await say('x'.repeat(20_000) + String(i))
    const quick = await subscribe(undefined, { receipts: true })
    const slow = new MemorySink()
    slow.pause()
    await subscribe(new VersionVector(), { sink: slow, receipts: true })
    await quick.until(() => stored(quick).length === 1)
    await slow.until(() => slow.messages.length > 0)
    expect(stored(slow)).toEqual([])
    slow.resume()
    await slow.until(() => stored(slow).length === 1)
    expect(slow.events.map(({ type }) => type).slice(-2)).toEqual(['control', 'stored'])
    expect(stored(slow)).toEqual(stored(quick))
  })

  test('is followed for as long as somebody asks', async () => {
    assemble(1)
    const [first, second] = [await subscribe(undefined, { receipts: true }), await subscribe(undefined, { receipts: true })]
    await subscribe()
    expect(levels.follows).toBe(1)
    first.leave()
    expect(levels.follows).toBe(1)
    second.leave()
    expect(levels.follows).toBe(0)
  })

  test('cuts a reader that does not take it', async () => {
    assemble(1)
    const sink = await subscribe(undefined, { receipts: true })
    await untilCaughtUp(sink)
    await say()
    await sink.until(() => stored(sink).length === 1)
    sink.pause()
    sink.bufferedBytes = 4_097
    ladder.hear([9, 9, 9])
    await sink.until(() => sink.hasEnded)
    expect(sink.events.at(-1)).toMatchObject({ type: 'close', reason: 'slow_reader' })
  })
})

describe('a reader that does not keep up', () => {
  test('is one that left unread what came before, not one to whom much comes at once', async () => {
    assemble(1)
    const sink = await subscribe()
    await untilCaughtUp(sink)
    sink.pause()
    await say('x'.repeat(5_000))
    await sink.until(() => sink.messages.length === 1)
    await turn()
    expect(sink.hasEnded).toBe(false)
    await say('one more')
    await sink.until(() => sink.hasEnded)
    expect(sink.messages).toHaveLength(1)
  })

  test('is cut with a cursor from which it can go on, and the others do not notice', async () => {
    assemble(1)
    const [slow, quick] = [await subscribe(), await subscribe()]
    await Promise.all([untilCaughtUp(slow), untilCaughtUp(quick)])
    slow.pause()
    while (!slow.hasEnded) await say('x'.repeat(500) + String(count++))
    await say('after')
    await quick.until(() => quick.messages.at(-1)?.message === 'after')
    expect(slow.events.at(-1)).toMatchObject({ type: 'close', reason: 'slow_reader' })
    expect(slow.bufferedBytes).toBeLessThan(8_192)
    const last = slow.events.at(-1)
    const cursor = last && 'cursor' in last ? last.cursor : ''
    const rest = await subscribe(decodeCursor(channel, cursor))
    await untilCaughtUp(rest)
    expect([...slow.messages, ...rest.messages].map(({ id }) => id)).toEqual(quick.messages.map(({ id }) => id))
    expect(hub.streams).toBe(2)
  })

  test('of history holds no more than a chunk', async () => {
    assemble(1)
    for (let i = 0; i < 20; i++) await memory.append(message(channel, 'x'.repeat(20_000) + String(i)), SELF, 1)
    const sink = new MemorySink()
    sink.pause()
    await subscribe(new VersionVector(), { sink })
    await sink.until(() => sink.messages.length > 0)
    for (let turns = 0; turns < 20; turns++) await turn()
    expect(sink.bufferedBytes).toBeLessThan(100_000)
    sink.leave()
    expect(hub.streams).toBe(0)
  })
})

test('a channel is forgotten with its last reader', async () => {
  assemble(1)
  const sink = await subscribe()
  expect([hub.has(channel), hub.streams]).toEqual([true, 1])
  sink.leave()
  expect([hub.has(channel), hub.streams]).toEqual([false, 0])
  await say('nobody reads this')
})

test('a start that was determined before the store was lost is refused', async () => {
  assemble(1)
  const tracked = await tracker.get(channel)
  if (!tracked) throw new Error('The channel is unknown')
  tracker.clear()
  expect(() => hub.open({ channel: tracked, seen: tracked.vector }, new MemorySink(), ndjson)).toThrow(
    expect.objectContaining({ code: 'store_unavailable' }),
  )
})

test('what nobody foresaw ends a stream, which says so, and is told to the server', async () => {
  assemble(1)
  const fault = new TypeError('nobody foresaw this')
  store.readForward = () => Promise.reject(fault)
  await say()
  expectFault()
  const sink = await subscribe(new VersionVector())
  await sink.until(() => sink.events.at(-1)?.type === 'error')
  expect(sink.events.at(-1)).toMatchObject({ code: 'internal' })
  expect(JSON.stringify(sink.events)).not.toContain(fault.message)
  expect(faults).toEqual([[fault, channel]])
})

test('the last events before a close are delivered first', async () => {
  assemble(1)
  const sink = await subscribe()
  await untilCaughtUp(sink)
  const announced = new Promise<void>((resolve) => {
    store.onAppended(() => {
      hub.closeAll('shutting_down', 10)
      resolve()
    })
  })
  await say('last')
  await announced
  expect(sink.events.map(({ type }) => type)).toEqual(['open', 'control', 'message', 'close'])
  const vector = (await memory.channel(channel))?.vector ?? new VersionVector()
  expect(sink.events.at(-1)).toMatchObject({ cursor: encodeCursor(channel, vector) })
})
