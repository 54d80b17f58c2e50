import { setImmediate as turn } from 'node:timers/promises'
import { DredError, decodeCursor, encodeCursor, type ManyStreamEvent, originOf, VersionVector } from '@dred/protocol'
import { Random } from '@dred/protocol/testing/random'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ChannelTracker } from '../channel-tracker.ts'
import type { StreamStart } from '../channels.ts'
import { ReceiptSigner } from '../receipt-signer.ts'
import type { Store } from '../store/port.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { at, genesis, message } from '../store/testing/samples.ts'
import { FakeLadder } from '../testing/fake-ladder.ts'
import { jitteryStore } from '../testing/jittery-store.ts'
import { MemorySink } from '../testing/memory-sink.ts'
import { MemoryRegistry } from '../testing/registry-view.ts'
import type { Connection } from './connection.ts'
import { ndjson } from './format.ts'
import { Hub } from './hub.ts'
import { followMany } from './many.ts'
import { StoredLevels } from './stored-levels.ts'

const SELF = { server: 1, incarnation: 1_000 }
const CHANNELS = Array.from({ length: 12 }, (_, i) => genesis(`table ${i}`))
const IDS = CHANNELS.map(({ id }) => id)

let memory: Store
let store: Store
let tracker: ChannelTracker
let levels: StoredLevels
let hub: Hub
/** Starts that are being looked for at once, now and at most. */
let starting: { now: number; most: number }

function assemble(random: Random, jittery = true): void {
  store = jittery ? jitteryStore(memory, random) : memory
  tracker = new ChannelTracker(store, { capacity: 100, pinned: (id) => hub.has(id) })
  const signer = new ReceiptSigner({ registry: new MemoryRegistry(), key: { sign: async () => new Uint8Array(64) }, now: () => 5_000 })
  levels = new StoredLevels({ signer, replicator: new FakeLadder(3), self: () => SELF, everyMs: 0 })
  starting = { now: 0, most: 0 }
  const bounds = {
    maxBufferedBytes: 8_192,
    maxStreams: 10,
    maxSubscriptions: 100,
    keepaliveMs: 60_000,
    coalesceMs: random.below(3),
    writeMs: 1,
  }
  hub = new Hub({ store, tracker, levels, server: 1, ...bounds, onDelivered: () => undefined })
}

function disassemble(): void {
  hub.stop()
  levels.stop()
  tracker.close()
}

beforeEach(async () => {
  memory = await openSqliteStore({ path: ':memory:' })
  for (const channel of CHANNELS) await memory.append(channel, SELF, 1)
  assemble(new Random(1))
})
afterEach(async () => {
  disassemble()
  await memory.close()
})

async function start(id: string, { after }: { after?: string | undefined }): Promise<StreamStart> {
  starting.most = Math.max(starting.most, ++starting.now)
  try {
    const channel = await tracker.get(id)
    if (!channel) throw new DredError('unknown_channel')
    return { channel, seen: after === undefined ? channel.vector.clone() : decodeCursor(id, after) }
  } finally {
    starting.now--
  }
}

interface Opened {
  sink: MemorySink
  connection: Connection
  done: Promise<void>
}

function open(channels: Record<string, string | null>, { sink = new MemorySink(), receipts = false } = {}): Opened {
  const connection = hub.openMany(Object.keys(channels).length, sink, ndjson)
  return { sink, connection, done: followMany(hub, connection, { channels, start, receipts }) }
}

const eventsOf = (sink: MemorySink): ManyStreamEvent[] => sink.events as ManyStreamEvent[]
const nothing = (id: string): string => encodeCursor(id, new VersionVector())
const fromStart = (ids: readonly string[]): Record<string, string> => Object.fromEntries(ids.map((id) => [id, nothing(id)]))

/** Ids of a channel that a cursor does not cover, in the order of the log. */
async function idsAfter(id: string, cursor: string): Promise<string[]> {
  const log = await memory.readForward(id, decodeCursor(id, cursor), { limit: 1_000 })
  return log.map(({ entry }) => entry.id)
}

test('history and live meet in every channel, in 60 random interleavings, wherever the stream is cut and resumed', {
  timeout: 60_000,
}, async () => {
  for (let seed = 1; seed <= 60; seed++) {
    disassemble()
    await memory.close()
    memory = await openSqliteStore({ path: ':memory:' })
    for (const channel of CHANNELS) await memory.append(channel, SELF, 1)
    const random = new Random(seed)
    assemble(new Random(seed * 7_919))
    await expectRound(random).catch((error: unknown) => Promise.reject(new Error(`seed ${seed}`, { cause: error })))
  }
})

/** Publishers and a peer whose messages come out of order fill channels, while one reader's stream breaks off at random moments. */
async function expectRound(random: Random): Promise<void> {
  const pause = async (turns: number): Promise<void> => {
    for (let left = random.below(turns); left > 0; left--) await turn()
  }
  const ids = IDS.slice(0, 2 + random.below(10))
  const some = (): string => random.pick(ids) ?? ''
  const publisher = async (name: string): Promise<void> => {
    for (let i = 0; i < 25; i++) {
      await store.append(message(some(), `${name} ${i}`), SELF, 5_000)
      await pause(6)
    }
  }
  const peer = async (): Promise<void> => {
    const counts = Array.from({ length: 25 }, (_, i) => ({ n: i + 1, due: i + random.below(6) })).toSorted((a, b) => a.due - b.due)
    for (const { n } of counts) {
      await store.replicate(at(message(some(), `peer ${n}`), [2, 7, n]))
      await pause(6)
    }
  }
  let writing = true
  const got = new Map<string, string[]>(ids.map((id) => [id, []]))
  const cursors: Record<string, string> = fromStart(ids)
  const take = (sink: MemorySink, upTo: number): void => {
    for (const event of eventsOf(sink).slice(0, upTo)) {
      if (event.type === 'message') got.get(event.channel)?.push(event.id)
      if ('channel' in event && event.channel && 'cursor' in event && event.cursor) cursors[event.channel] = event.cursor
    }
  }
  const reader = async (): Promise<void> => {
    for (; writing; await pause(3)) {
      const { sink } = open({ ...cursors })
      await pause(60)
      sink.leave()
      // The tail is lost on the way.
      take(sink, random.below(sink.events.length + 1))
    }
  }
  await Promise.all([Promise.all([publisher('a'), publisher('b'), peer()]).then(() => (writing = false)), reader()])
  const lacking = await Promise.all(ids.map((id) => idsAfter(id, cursors[id] ?? '')))
  const { sink, done } = open({ ...cursors })
  await done
  for (let turns = 0; turns < 60; turns++) await turn()
  expect(sink.messages).toHaveLength(lacking.flat().length)
  take(sink, sink.events.length)
  for (const id of ids) {
    const expected = await idsAfter(id, nothing(id))
    expect(got.get(id)?.toSorted()).toEqual(expected.toSorted())
    expect(eventsOf(sink).filter((event) => 'channel' in event && event.channel === id && event.type === 'control')).toHaveLength(1)
  }
  sink.leave()
  expect([hub.streams, hub.subscriptions]).toEqual([0, 0])
}

test('what one turn brings in many channels is written together', async () => {
  disassemble()
  assemble(new Random(1), false)
  const { sink, done } = open(fromStart(IDS))
  await done
  await turn()
  const writes = sink.writes
  for (const id of IDS) void memory.append(message(id, 'x'), SELF, 5_000)
  await sink.until(() => sink.messages.length === IDS.length)
  expect(sink.writes).toBe(writes + 1)
})

test('channels are opened a few at a time', async () => {
  const { sink, done } = open(fromStart(IDS))
  await done
  expect(starting.most).toBeLessThanOrEqual(4)
  expect(sink.events.filter(({ type }) => type === 'control')).toHaveLength(IDS.length)
})

test('a reader that takes nothing is given no more of the histories than a few chunks', async () => {
  for (const id of IDS) for (let i = 0; i < 12; i++) await memory.append(message(id, `${i} ${'x'.repeat(30_000)}`), SELF, 5_000)
  const sink = new MemorySink()
  sink.pause()
  const { done } = open(fromStart(IDS), { sink })
  await sink.until(() => sink.messages.length > 0)
  for (let turns = 0; turns < 200; turns++) await turn()
  expect(sink.bufferedBytes).toBeLessThan(4 * 2 * 65_536)
  sink.leave()
  await done
  expect(starting.now).toBe(0)
})

test('a reader that keeps up is not cut, however much comes at once', async () => {
  const { sink, done } = open(fromStart(IDS))
  await done
  await store.append(message(IDS[0] ?? '', 'x'.repeat(20_000)), SELF, 5_000)
  await store.append(message(IDS[1] ?? '', 'y'), SELF, 5_000)
  await sink.until(() => sink.messages.length === 2 || sink.hasEnded)
  expect(sink.hasEnded).toBe(false)
})

test('a reader that does not keep up is cut as a whole, and each channel goes on from its last cursor', async () => {
  const ids = IDS.slice(0, 3)
  const quick = open(fromStart(ids))
  const slow = open(fromStart(ids))
  await Promise.all([quick.done, slow.done])
  slow.sink.pause()
  for (let i = 0; i < 60; i++) await store.append(message(ids[i % 3] ?? '', `${i} ${'x'.repeat(500)}`), SELF, 5_000)
  await quick.sink.until(() => quick.sink.messages.length === 60 || quick.sink.hasEnded)
  expect(quick.sink.messages).toHaveLength(60)
  expect(slow.sink.hasEnded).toBe(true)
  expect(slow.sink.events.at(-1)).toEqual({ type: 'close', reason: 'slow_reader', retryMs: 100 })
  const cursors: Record<string, string> = {}
  for (const event of eventsOf(slow.sink)) {
    if ('channel' in event && event.channel && 'cursor' in event && event.cursor) cursors[event.channel] = event.cursor
  }
  const rest = open(cursors)
  await rest.done
  await rest.sink.until(() => slow.sink.messages.length + rest.sink.messages.length >= 60)
  const all = [...slow.sink.messages, ...rest.sink.messages].map(({ id }) => id)
  expect(all.toSorted()).toEqual(quick.sink.messages.map(({ id }) => id).toSorted())
  expect(slow.sink.messages.length).toBeLessThan(60)
})

describe('storage on other servers', () => {
  test('is told once for all channels, behind the messages that it counts', async () => {
    const { sink, done } = open(fromStart(IDS), { receipts: true })
    await done
    for (const id of IDS) await store.append(message(id, 'x'), SELF, 5_000)
    const stored = () => eventsOf(sink).flatMap((event) => (event.type === 'stored' ? [event] : []))
    const last = 2 * IDS.length
    await sink.until(() => stored().some(({ n }) => n === last))
    expect(new Set(stored().map(({ stored: on, n }) => `${on} ${n}`)).size).toBe(stored().length)
    for (const { n } of stored()) {
      const told = sink.events.findIndex((event) => event.type === 'stored' && event.n === n)
      const counted = sink.messages.filter(({ origin }) => originOf(origin) === '1-1000' && origin.n <= n)
      for (const one of counted) expect(sink.events.indexOf(one)).toBeLessThan(told)
    }
  })
})

test('a stream that has ended opens no more channels, and gives back its room', async () => {
  const { sink, connection, done } = open(fromStart(IDS))
  expect(hub.subscriptions).toBe(IDS.length)
  await sink.until(() => sink.events.length > 0)
  hub.closeAll('shutting_down', 10)
  await done
  expect(connection.ended).toBe(true)
  expect(sink.events.at(-1)).toMatchObject({ type: 'close', reason: 'shutting_down' })
  expect(IDS.filter((id) => hub.has(id))).toEqual([])
  expect([hub.streams, hub.subscriptions]).toEqual([0, 0])
})
