import { setImmediate as turn } from 'node:timers/promises'
import { decodeCursor, encodeCursor, type MessagePage, originOf, VersionVector } from '@dred/protocol'
import { Random } from '@dred/protocol/testing/random'
import { afterEach, expect, test } from 'vitest'
import { ChannelTracker } from './channel-tracker.ts'
import { Channels } from './channels.ts'
import { Incarnation } from './incarnation.ts'
import { ChannelMembers } from './members/channel-members.ts'
import { Membership } from './membership.ts'
import { ndjson } from './realtime/format.ts'
import { Hub } from './realtime/hub.ts'
import { StoredLevels } from './realtime/stored-levels.ts'
import { ReceiptSigner } from './receipt-signer.ts'
import { RecentEntries } from './recent-entries.ts'
import type { OriginEntry, Store } from './store/port.ts'
import { openSqliteStore } from './store/sqlite.ts'
import { at, genesis, message } from './store/testing/samples.ts'
import { jitteryStore } from './testing/jittery-store.ts'
import { MemorySink } from './testing/memory-sink.ts'
import { FakeLadder } from './testing/fake-ladder.ts'
import { MemoryRegistry, registeredServer } from './testing/registry-view.ts'

const NOW = 2_000
const CHANNELS = [genesis('one'), genesis('two')] as const
const ORIGINS: readonly [server: number, incarnation: number][] = [
  [1, 7],
  [2, 1_000],
  [2, 1_001],
]

/** A server's store, and what reads it for clients. Its entries come one by one in an order of its own. */
class Server {
  readonly channels: Channels
  readonly hub: Hub
  readonly #tracker: ChannelTracker
  readonly #memory: Store
  readonly #arriving: OriginEntry[]

  constructor(memory: Store, arriving: OriginEntry[], random: Random) {
    this.#memory = memory
    this.#arriving = arriving
    const store = jitteryStore(memory, random, 3)
    this.#tracker = new ChannelTracker(store, { capacity: 10, pinned: () => true })
    const registry = new MemoryRegistry()
    this.channels = new Channels({
      store,
      registry,
      membership: new Membership(registry, { server: 1, keyId: registeredServer(1).keyId }),
      access: { assert: async () => undefined },
      members: new ChannelMembers(store, this.#tracker),
      tracker: this.#tracker,
      incarnation: new Incarnation(1, new VersionVector(), () => 1_000),
      recent: new RecentEntries({ count: 1, bytes: 1, ageMs: 1 }),
      now: () => NOW,
      clock: () => NOW * 1_000,
      onPublished: () => undefined,
    })
    const signer = new ReceiptSigner({ registry, key: { sign: async () => new Uint8Array(64) }, now: () => NOW })
    const levels = new StoredLevels({ signer, replicator: new FakeLadder(1), self: () => ({ server: 1, incarnation: 1_000 }) })
    const bounds = {
      maxBufferedBytes: 1_000_000,
      maxStreams: 10,
      maxSubscriptions: 100,
      keepaliveMs: 60_000,
      coalesceMs: random.below(3),
      writeMs: 1,
    }
    this.hub = new Hub({ store, tracker: this.#tracker, levels, server: 1, ...bounds, onDelivered: () => undefined })
  }

  get hasAll(): boolean {
    return this.#arriving.length === 0
  }

  async receive(entries: number): Promise<void> {
    for (const entry of this.#arriving.splice(0, entries)) await this.#memory.replicate(entry)
    await turn()
  }

  /** Ids of a channel in the order of the log. */
  log(channel: string): Promise<string[]> {
    return this.lacking(channel, new VersionVector())
  }

  /** Ids of what a vector does not cover. */
  async lacking(channel: string, seen: VersionVector): Promise<string[]> {
    const log = await this.#memory.readForward(channel, seen, { limit: 10_000 })
    return log.map(({ entry }) => entry.id)
  }

  async page(channel: string, query: { after?: string; before?: string; limit: number }): Promise<MessagePage> {
    return JSON.parse((await this.channels.history(channel, query)).json) as MessagePage
  }

  async close(): Promise<void> {
    this.hub.stop()
    this.#tracker.close()
    await this.#memory.close()
  }
}

/** Something that a reader was given, and where it can go on from after it. */
interface Given {
  id?: string
  cursor: string
}

let servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

/** Two servers that get the same entries of three origins in two channels, each in its own order. */
async function prepare(random: Random): Promise<readonly [Server, Server]> {
  const entries = ORIGINS.flatMap(([server, incarnation]) =>
    Array.from({ length: 15 + random.below(30) }, (_, i): OriginEntry => {
      const coordinate = { server, incarnation, n: i + 1 }
      if (random.chance(0.05)) return { kind: 'gone', coordinate, from: i + 1 }
      const entry = message(random.pick(CHANNELS).id, `${originOf(coordinate)} ${i}`, { sentAt: NOW })
      return at(entry, [server, incarnation, i + 1])
    }),
  )
  const opened = []
  for (const spread of [random.below(30), random.below(30)]) {
    const pace = new Map(ORIGINS.map(([server, incarnation]) => [originOf({ server, incarnation }), 1 + random.below(4)]))
    const due = ({ coordinate }: OriginEntry): number => (pace.get(originOf(coordinate)) ?? 1) * (coordinate.n + random.below(1 + spread))
    const arriving = entries.map((entry) => ({ entry, due: due(entry) })).sort((a, b) => a.due - b.due)
    const memory = await openSqliteStore({ path: ':memory:' })
    for (const [i, channel] of CHANNELS.entries()) await memory.replicate(at(channel, [9, 1, i + 1]))
    opened.push(
      new Server(
        memory,
        arriving.map(({ entry }) => entry),
        random,
      ),
    )
  }
  servers.push(...opened)
  const [a, b] = opened
  if (!a || !b) throw new Error('Two servers were expected')
  return [a, b]
}

/** What a stream brings that is broken off at a random moment, while more arrives. */
async function stream(server: Server, { channel, cursor }: { channel: string; cursor: string }, random: Random): Promise<Given[]> {
  const sink = new MemorySink()
  server.hub.open(await server.channels.startStream(channel, { after: cursor }), sink, ndjson)
  for (let i = random.below(10); i > 0; i--) await server.receive(random.below(4))
  for (let turns = random.below(30); turns > 0; turns--) await turn()
  sink.leave()
  return sink.events.flatMap((event) => {
    if (!('cursor' in event)) return []
    return event.type === 'message' ? { id: event.id, cursor: event.cursor } : { cursor: event.cursor }
  })
}

async function pageAfter(server: Server, { channel, cursor }: { channel: string; cursor: string }, random: Random): Promise<Given[]> {
  const { items, next } = await server.page(channel, { after: cursor, limit: 1 + random.below(20) })
  return [...items.map(({ id, cursor: after }) => ({ id, cursor: after })), ...(next === null ? [] : [{ cursor: next }])]
}

const SEEDS = Array.from({ length: 40 }, (_, i) => i + 1)
const nothing = (channel: string): string => encodeCursor(channel, new VersionVector())
const sorted = (ids: Iterable<string>): string[] => [...ids].sort()

test.each(SEEDS)('a reader who changes servers at any point gets everything exactly once (seed %i)', async (seed) => {
  const random = new Random(seed)
  const both = await prepare(random)
  const readers = CHANNELS.map(({ id }) => ({ channel: id, cursor: nothing(id), got: [] as string[] }))
  for (let idle = 0; idle < 12; ) {
    for (const server of both) await server.receive(random.below(6))
    const reader = random.pick(readers) ?? readers[0]
    if (!reader) break
    const given = await (random.chance(0.5) ? stream : pageAfter)(random.pick(both), reader, random)
    // The tail is lost on the way, and the reader never knows of it.
    for (const { id, cursor } of given.slice(0, 1 + random.below(given.length))) {
      if (id !== undefined) reader.got.push(id)
      reader.cursor = cursor
    }
    idle = both.every(({ hasAll }) => hasAll) && given.every(({ id }) => id === undefined) ? idle + 1 : 0
  }
  for (const { channel, got } of readers) {
    expect(sorted(got)).toEqual(sorted(await both[0].log(channel)))
    expect(sorted(got)).toEqual(sorted(await both[1].log(channel)))
  }
})

test.each(SEEDS)('pages lead back through everything exactly once, on whichever server (seed %i)', async (seed) => {
  const random = new Random(seed)
  const both = await prepare(random)
  const partly = random.chance(0.5) ? 1_000 : 60
  for (const server of both) await server.receive(partly)
  const { id: channel } = random.pick(CHANNELS)
  const logs = [await both[0].log(channel), await both[1].log(channel)] as const
  const onBoth = logs[0].filter((id) => logs[1].includes(id))
  const got: string[] = []
  const places: { cursor: string; within: VersionVector; before: string[]; after: string[] }[] = []
  for (let next: string | null | undefined; next !== null; ) {
    const server = random.pick(both)
    const within = decodeCursor(channel, next ?? (await server.channels.describe(channel)).cursor)
    const page: MessagePage = await server.page(channel, { ...(next === undefined ? {} : { before: next }), limit: 1 + random.below(12) })
    const ids = page.items.map(({ id }) => id)
    const i = random.below(ids.length)
    const cursor = page.items[i]?.cursor
    // On the first page what comes after a message is known whole.
    const log = next === undefined ? (logs[both.indexOf(server)] ?? []) : ids
    const place = log.indexOf(ids[i] ?? '') + 1
    if (cursor !== undefined) places.push({ cursor, within, before: log.slice(0, place), after: log.slice(place) })
    got.unshift(...ids)
    next = page.next
  }
  expect(new Set(got).size).toBe(got.length)
  expect(got).toEqual(expect.arrayContaining(onBoth))
  for (const server of both) await server.receive(1_000)
  for (const { cursor, within, before, after } of places) {
    const server = random.pick(both)
    const following = await server.lacking(channel, decodeCursor(channel, cursor))
    expect(following).toEqual(expect.arrayContaining([...after, ...(await server.lacking(channel, within))]))
    expect(following.filter((id) => before.includes(id))).toEqual([])
  }
})

test.each(SEEDS.slice(0, 10))('a stream of the last messages begins right there (seed %i)', async (seed) => {
  const random = new Random(seed)
  const [server, other] = await prepare(random)
  await server.receive(70)
  const { id: channel } = random.pick(CHANNELS)
  const log = await server.log(channel)
  const last = 1 + random.below(20)
  const { seen } = await server.channels.startStream(channel, { last })
  for (const each of [server, other]) await each.receive(1_000)
  const cursor = encodeCursor(channel, seen)
  expect(decodeCursor(channel, cursor).toData()).toEqual(seen.toData())
  const older = log.slice(0, -last)
  for (const each of [server, other]) {
    const { items } = await each.page(channel, { after: cursor, limit: 500 })
    const all = await each.log(channel)
    expect(items.map(({ id }) => id)).toEqual(all.filter((id) => !older.includes(id)))
  }
})
