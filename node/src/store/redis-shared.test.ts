import { setTimeout as delay } from 'node:timers/promises'
import { originOf, VersionVector } from '@dred/protocol'
import { Random } from '@dred/protocol/testing/random'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Attendance, SharedStore } from '../processes/port.ts'
import { eventually } from '../testing/eventually.ts'
import type { AppendResult, Position, Store } from './port.ts'
import { openRedisStore } from './redis.ts'
import { FEED_LENGTH } from './redis-feed.ts'
import { keysUnder } from './redis-records.ts'
import { type RedisServer, startRedis } from './testing/redis-server.ts'
import { at, channel, message, self } from './testing/samples.ts'
import { startTcpProxy, type TcpProxy } from './testing/tcp-proxy.ts'

/** A process's store, and what it announced. */
interface Opened {
  store: Store
  shared: SharedStore
  /** Ids with their positions, `reconnected`. */
  announced: (readonly [id: string, position: Position | undefined])[]
  reconnected: number
}

let server: RedisServer
let proxy: TcpProxy
let admin: Redis
let opened: Opened[]

beforeEach(async () => {
  server = await startRedis()
  proxy = await startTcpProxy(server.port)
  admin = new Redis(server.url)
  admin.on('error', () => undefined)
  opened = []
})
afterEach(async () => {
  admin.disconnect()
  for (const { store } of opened) await store.close()
  await proxy.close()
  await server.stop()
})

async function open(url = server.url): Promise<Opened> {
  const store = await openRedisStore({ url, prefix: 'dred:{shared}:' })
  if (!store.shared) throw new Error('The store is not shared')
  const one: Opened = { store, shared: store.shared, announced: [], reconnected: 0 }
  store.onAppended(({ id }, place) => one.announced.push([id, place?.position]))
  store.onReconnected(() => one.reconnected++)
  opened.push(one)
  return one
}

const bid = { leaseMs: 60_000, term: 0, knownTerm: 0, address: undefined }

/** Two processes that know of each other. */
async function openTwo(): Promise<[Opened, Opened]> {
  const two: [Opened, Opened] = [await open(), await open()]
  for (const { shared } of [...two, ...two]) await shared.attend(bid)
  return two
}

async function logOf({ store }: Opened): Promise<(readonly [id: string, position: Position])[]> {
  const log = await store.readForward(channel.id, new VersionVector(), { limit: 100_000 })
  return log.map(({ entry, position }) => [entry.id, position] as const)
}

describe('two processes on one Redis', () => {
  it.each([1, 2, 3])('announce what either logs, once and in log order, whatever is heard when (seed %i)', async (seed) => {
    const random = new Random(seed)
    const [a, b] = await openTwo()
    const results: AppendResult[] = []
    for (let round = 0; round < 40; round++) {
      if (random.chance(0.1)) await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      const writes = Array.from({ length: 1 + random.below(20) }, async (_, i) => {
        const { store } = random.pick([a, b]) ?? a
        const entry = message(channel.id, `${round}.${i} ${'x'.repeat(random.below(200))}`)
        if (random.chance(0.3)) await store.replicate(at(entry, [1, 1, 1 + random.below(500)]))
        else results.push(await store.append(entry, self, 1))
      })
      await Promise.all(writes)
    }
    const log = await logOf(a)
    // What is missed by one that hears nothing more, the next attendance shows.
    for (const { shared } of [a, b]) await shared.attend(bid)
    for (const { announced } of [a, b]) await eventually(() => announced.length).toBe(log.length)
    expect(a.announced).toEqual(log)
    expect(b.announced).toEqual(log)
    expect([a.reconnected, b.reconnected]).toEqual([0, 0])
    const counted = results.map(({ coordinate }) => coordinate.n).toSorted((x, y) => x - y)
    expect(counted).toEqual(counted.map((_, i) => i + 1))
    const inOrder = results.toSorted((x, y) => x.coordinate.n - y.coordinate.n)
    for (const [i, { clock }] of inOrder.entries()) expect(clock).toBeGreaterThan(inOrder[i - 1]?.clock ?? 0)
  })

  it('announce an entry before its writer hears of it, with all before it', async () => {
    const [a, b] = await openTwo()
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const one = i % 2 === 0 ? a : b
        const entry = message(channel.id, `${i}`)
        await one.store.append(entry, self, 1)
        expect(one.announced.some(([id]) => id === entry.id)).toBe(true)
      }),
    )
    const positions = a.announced.map(([, position]) => position ?? 0)
    expect(positions).toEqual(positions.map((_, i) => (positions[0] ?? 0) + i))
  })

  it('announce what was logged while nobody told them, once they hear again', async () => {
    const [a, b] = await openTwo()
    for (let i = 1; i <= 5; i++) {
      await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await a.store.append(message(channel.id, `${i}`), self, 1)
      await eventually(() => b.announced.length).toBe(i)
    }
    expect(b.announced).toEqual(a.announced)
  })

  it('tell each other what they log, and themselves nothing', async () => {
    const [a, b] = await openTwo()
    const keys = keysUnder('dred:{shared}:')
    const together = (await admin.hget(keys.state, 'together'))?.split(' ') ?? []
    const feedOf = ({ shared }: Opened) => `${keys.prefix}feed:${together.find((name) => name.endsWith(`:${shared.process}`))}`
    const listener = admin.duplicate()
    const told: string[] = []
    listener.on('smessage', (feed: string, text: string) => told.push(`${feed === feedOf(a) ? 'a' : 'b'} ${text.split('\n')[0]}`))
    try {
      await listener.ssubscribe(feedOf(a), feedOf(b))
      const { id } = message(channel.id, 'of a peer')
      await a.store.append(message(channel.id, 'one'), self, 1)
      await b.store.append(message(channel.id, 'two'), self, 2)
      await b.store.replicate(at(message(channel.id, 'of a peer'), [1, 1, 1]))
      await eventually(() => told).toEqual(['b 1', 'a 2', 'a 3'])
      for (const { announced } of [a, b]) await eventually(() => announced.at(-1)).toEqual([id, 3])
    } finally {
      listener.disconnect()
    }
  })

  it('tell each other a genesis as it was signed', async () => {
    const [a, b] = await openTwo()
    const heard: unknown[] = []
    b.store.onAppended((entry) => heard.push(entry))
    const { coordinate, clock } = await a.store.append(channel, self, 5)
    await eventually(() => heard.length).toBe(1)
    expect(heard).toEqual([{ ...channel, coordinate, clock }])
  })

  it('find a genesis, too, of which nobody told them', async () => {
    const [a, b] = [await open(), await open()]
    await a.store.append(message(channel.id, 'before'), self, 1)
    await a.store.append(channel, self, 2)
    await a.store.append(message(channel.id, 'after'), self, 3)
    await b.shared.attend(bid)
    await eventually(() => b.announced).toEqual(a.announced)
    expect(b.announced.map(([id]) => id)).toContain(channel.id)
  })

  it('count in the incarnation that begins last, without being told first', async () => {
    const [a, b] = await openTwo()
    await b.store.append(message(channel.id, '1'), self, 1)
    const begun: number[] = []
    b.shared.onIncarnation((incarnation) => begun.push(incarnation))
    a.shared.begin(self.incarnation + 5)
    const later = await a.store.append(message(channel.id, '2'), { ...self, incarnation: self.incarnation + 5 }, 1)
    const stale = await b.store.append(message(channel.id, '3'), self, 1)
    expect([later.coordinate, stale.coordinate]).toEqual([1, 2].map((n) => ({ server: 7, incarnation: self.incarnation + 5, n })))
    expect(begun).toEqual([self.incarnation + 5])
    // An older one does not come back.
    a.shared.begin(self.incarnation + 1)
    const last = await a.store.append(message(channel.id, '4'), self, 1)
    expect(last.coordinate).toEqual({ server: 7, incarnation: self.incarnation + 5, n: 3 })
  })

  it('go on counting when one of them was cut off from a Redis that lost nothing', async () => {
    const [a, b] = [await open(`redis://127.0.0.1:${proxy.port}`), await open()]
    await a.store.append(message(channel.id, '1'), self, 1)
    proxy.cut()
    await eventually(() => a.reconnected).toBe(1)
    await b.store.append(message(channel.id, '2'), self, 1)
    const { coordinate } = await a.store.append(message(channel.id, '3'), self, 1)
    expect(coordinate).toEqual({ ...self, n: 3 })
    await eventually(() => a.announced.length).toBe(3)
  })

  it('both go on in one new incarnation after Redis was killed and has lost its tail', async () => {
    const names = new Map<string, Set<string>>()
    const note = (name: string, id: string): void => void names.set(name, (names.get(name) ?? new Set()).add(id))
    const [a, b] = await openTwo()
    const random = new Random(5)
    for (const one of [a, b]) one.store.onAppended(({ id }, place) => place && note(`position ${place.position}`, id))
    let lost = 0
    for (let round = 1; round <= 5; round++) {
      const write = async ({ store }: Opened, worker: number): Promise<void> => {
        for (let i = 0; ; i++) {
          const entry = message(channel.id, `${round}.${worker}.${i}`)
          const { coordinate } = await store.append(entry, self, i)
          note(`${originOf(coordinate)}-${coordinate.n}`, entry.id)
        }
      }
      const writers = [a, b, a, b].map((one, worker) => write(one, worker).catch(() => undefined))
      const before = await server.written()
      while ((await server.written()) < before + 40_000) await a.store.ping()
      await server.kill()
      await Promise.all(writers)
      await server.keepOnly((await server.written()) - random.below(30_000))
      await server.restart()
      for (const one of [a, b]) await eventually(() => one.reconnected).toBe(round)
      // Whoever came back first may have begun one, and the other one a later one.
      for (const { shared } of [a, b]) await shared.attend(bid)
      expect(a.shared.incarnation).toBe(b.shared.incarnation)
      const log = await a.store.readForward(channel.id, new VersionVector(), { limit: 100_000 })
      const kept = new Set(log.map(({ entry }) => entry.id))
      for (const { entry, position } of log) {
        note(`position ${position}`, entry.id)
        note(`${originOf(entry.coordinate)}-${entry.coordinate.n}`, entry.id)
      }
      lost = [...names.values()].filter((ids) => [...ids].every((id) => !kept.has(id))).length
    }
    expect([...names.values()].filter((ids) => ids.size > 1)).toEqual([])
    expect(lost).toBeGreaterThan(0)
    for (const { announced } of [a, b]) {
      const positions = announced.map(([, position]) => position ?? 0)
      expect(positions).toEqual([...new Set(positions)].toSorted((x, y) => x - y))
    }
  })

  it('notice that Redis was emptied under them, and count anew', async () => {
    const [a, b] = await openTwo()
    await a.store.append(message(channel.id, '1'), self, 1)
    await eventually(() => b.announced.length).toBe(1)
    await admin.flushall()
    await expect(b.store.append(message(channel.id, '2'), self, 1)).rejects.toMatchObject({ code: 'store_unavailable' })
    await eventually(() => b.reconnected).toBe(1)
    const { coordinate } = await b.store.append(message(channel.id, '2'), self, 1)
    expect(coordinate.incarnation).toBeGreaterThan(self.incarnation)
    const again = await a.store.append(message(channel.id, '1'), self, 1)
    expect(again.coordinate).toEqual({ ...coordinate, n: 2 })
    expect(new Set([...a.announced, ...b.announced].map(([, position]) => position)).size).toBe(3)
  })

  it.each(['append', 'replicate'] as const)('notice that Redis went back under them, when they %s', async (write) => {
    const [a, b] = await openTwo()
    for (const text of ['1', '2', '3']) await a.store.append(message(channel.id, text), self, 1)
    await eventually(() => b.announced.length).toBe(3)
    await admin.hset(keysUnder('dred:{shared}:').state, 'seq', '2')
    const next = message(channel.id, 'next')
    const writing = write === 'append' ? b.store.append(next, self, 1) : b.store.replicate(at(next, [1, 1, 1]))
    await expect(writing).rejects.toMatchObject({ code: 'store_unavailable' })
    await eventually(() => b.reconnected).toBe(1)
    await b.store.append(next, self, 1)
    expect(b.announced.map(([, position]) => position)).toEqual([1, 2, 3, 4])
    expect(b.shared.incarnation).toBeGreaterThan(self.incarnation)
  })

  it('are told to look again when more was logged than the feed holds', { timeout: 60_000 }, async () => {
    const [a, b] = [await open(), await open()]
    await a.store.append(message(channel.id, 'first'), self, 1)
    for (let from = 1; from <= FEED_LENGTH + 100; from += 500) {
      const counts = Array.from({ length: 500 }, (_, i) => from + i)
      await Promise.all(counts.map((n) => a.store.replicate(at(message(channel.id, `${n}`), [1, 1, n]))))
    }
    expect(b.announced).toEqual([])
    await b.shared.attend(bid)
    await eventually(() => b.announced.at(-1)?.[1]).toBe(a.announced.at(-1)?.[1])
    expect(b.reconnected).toBe(1)
    expect(b.announced).toEqual(a.announced.slice(-FEED_LENGTH))
  })
})

describe('who leads', () => {
  const who = ({ leader, term }: Attendance) => [leader, term]

  it('is one of them, until its lease ends, in a term that grows', async () => {
    const [a, b] = [(await open()).shared, (await open()).shared]
    const brief = { ...bid, leaseMs: 150 }
    expect(await a.attend({ ...brief, address: 'here:1' })).toEqual({ leader: a.process, term: 1, address: 'here:1', processes: 1 })
    expect(await b.attend(brief)).toEqual({ leader: a.process, term: 1, address: 'here:1', processes: 2 })
    expect(who(await a.attend({ ...brief, term: 1 }))).toEqual([a.process, 1])
    await delay(200)
    expect(await b.attend({ ...brief, knownTerm: 1 })).toMatchObject({ leader: b.process, term: 2, processes: 1 })
    // It slept.
    expect(who(await a.attend({ ...brief, term: 1, knownTerm: 1 }))).toEqual([b.process, 2])
  })

  it('is told by a process that leaves', async () => {
    const [a, b] = [(await open()).shared, (await open()).shared]
    await a.attend(bid)
    await b.attend(bid)
    const vacant = new Promise<void>((resolve) => b.onVacant(resolve))
    await a.leave(1)
    await vacant
    expect(await b.attend({ ...bid, knownTerm: 1 })).toMatchObject({ leader: b.process, term: 2, processes: 1 })
  })

  it('has a later term than anybody knew, whatever Redis has lost', async () => {
    const { shared } = await open()
    expect(who(await shared.attend({ ...bid, knownTerm: 9 }))).toEqual([shared.process, 10])
  })
})

describe('the bus', () => {
  it('carries texts to the others, by topic', async () => {
    const [a, b, c] = [await open(), await open(), await open()]
    const heard: string[] = []
    for (const [name, { shared }] of Object.entries({ a, b, c })) shared.bus.subscribe('t', (text) => heard.push(`${name} ${text}`))
    const stop = c.shared.bus.subscribe('u', (text) => heard.push(`c ${text} of u`))
    a.shared.bus.publish('t', 'one\ntwo')
    a.shared.bus.publish('u', '')
    await eventually(() => heard.toSorted()).toEqual(['b one\ntwo', 'c  of u', 'c one\ntwo'])
    stop()
    b.shared.bus.publish('u', 'no more')
    b.shared.bus.publish('t', 'last')
    await eventually(() => heard.length).toBe(5)
    expect(heard.slice(3).toSorted()).toEqual(['a last', 'c last'])
  })

  it('says when it hears again after it was cut off, as something may have been said meanwhile', async () => {
    const [a, b] = await openTwo()
    let returns = 0
    const heard: string[] = []
    b.shared.bus.onReturn?.(() => returns++)
    b.shared.bus.subscribe('t', (text) => heard.push(text))
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    a.shared.bus.publish('t', 'into the void, it may be')
    await eventually(() => returns).toBe(1)
    a.shared.bus.publish('t', 'heard')
    await eventually(() => heard.at(-1)).toBe('heard')
  })

  it('does not reach another database of the same Redis', async () => {
    const [a, b, other] = [await open(), await open(), await open(`${server.url}/1`)]
    const heard: string[] = []
    for (const [name, { shared }] of Object.entries({ b, other })) shared.bus.subscribe('t', (text) => heard.push(`${name} ${text}`))
    for (const { shared } of [a, b, other]) await shared.attend(bid)
    await a.store.append(message(channel.id, 'logged'), self, 1)
    other.shared.bus.publish('t', 'elsewhere')
    a.shared.bus.publish('t', 'here')
    await eventually(() => heard).toEqual(['b here'])
    expect([b.announced.length, other.announced.length]).toEqual([1, 0])
  })

  it('has a secret that is the same for all', async () => {
    const [a, b] = [(await open()).shared, (await open()).shared]
    const [one, other] = await Promise.all([a.secret(), b.secret()])
    expect(one).toBe(other)
    expect(one).toMatch(/^[\w-]{43}$/)
  })
})
