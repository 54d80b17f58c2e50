import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Coordinate, originOf, VersionVector } from '@dred/protocol'
import { Random } from '@dred/protocol/testing/random'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Incarnation } from '../incarnation.ts'
import type { LoggedMessage, NewEntry, OriginEntry, Position, Store } from './port.ts'
import { openRedisStore } from './redis.ts'
import { type ModelPlace, StoreModel } from './testing/model.ts'
import { type RedisServer, startRedis } from './testing/redis-server.ts'
import { at, channel, genesis, message, self } from './testing/samples.ts'

const prefix = 'dred:{crash}:'
const other = genesis('other')
const channels = [channel.id, other.id]
const PEERS: readonly [number, number][] = [
  [1, 1],
  [2, 1],
]
const ranges = [[self.server, self.incarnation] as const, ...PEERS].map(([server, incarnation]) => ({
  server,
  incarnation,
  from: 1,
  to: 999,
}))

let server: RedisServer
let store: Store | undefined
beforeEach(async () => {
  server = await startRedis()
})
afterEach(async () => {
  await store?.close()
  await server.stop()
})

type Step = (store: Pick<Store, 'append' | 'replicate' | 'purge' | 'cut'> | StoreModel) => unknown

/** Writes of every kind; those of peers come out of order, with holes that are filled later or never. */
function steps(random: Random, count: number): Step[] {
  const taken = new VersionVector()
  const sent: NewEntry[] = [channel, other]
  return Array.from({ length: count }, (_, i): Step => {
    if (random.chance(0.03)) return (store) => store.purge(2_500 + 5 * i)
    // Each is one step of the store.
    if (random.chance(0.03)) return (store) => store.cut({ maxMessages: 20, maxBytes: 5_000 }, 2_500)
    if (random.chance(0.03)) return (store) => store.cut({ totalMessages: 30, totalBytes: 6_000 }, 2_500)
    const known = random.chance(0.15) ? random.pick(sent) : undefined
    const text = `${i} ${'x'.repeat(random.below(300))}`
    const entry = known ?? message(random.pick(channels) ?? '', text, { lifetimeMs: random.pick([1_000, 90_000]) })
    sent.push(entry)
    if (random.chance(0.3)) return (store) => store.append(entry, self, i)
    const [server, incarnation] = random.pick(PEERS) ?? [1, 1]
    const origin = originOf({ server, incarnation })
    const n = taken.watermark(origin) + 1 + (random.chance(0.4) ? 0 : random.below(20))
    taken.add(origin, n)
    const replicated = at(entry, [server, incarnation, n], i)
    const { coordinate, id } = replicated
    const gone: OriginEntry = { kind: 'gone', coordinate, from: Math.max(1, n - 1) }
    const what = random.chance(0.05)
      ? gone
      : random.chance(0.05)
        ? ({ kind: 'reference', coordinate, channel: entry.channel, id } as const)
        : replicated
    return (store) => store.replicate(what)
  })
}

const placeOf = ({ entry, watermark }: LoggedMessage | ModelPlace): ModelPlace => ({ entry, watermark })

async function contentsOf(store: Store): Promise<object> {
  return {
    vector: (await store.vector()).toData(),
    floors: await store.floors(),
    account: await store.account(),
    origins: await Promise.all(ranges.map((range) => store.readOrigin(range, 999))),
    channels: await Promise.all(
      channels.map(async (id) => ({
        log: (await store.readForward(id, new VersionVector(), { limit: 999 })).map(placeOf),
        vector: (await store.channel(id))?.vector.toData(),
        purged: (await store.purged(id)).toData(),
      })),
    ),
  }
}

function contentsOfModel(model: StoreModel): object {
  return structuredClone({
    vector: model.vector.toData(),
    floors: model.floors(),
    account: model.account(),
    origins: ranges.map((range) => model.readOrigin(range)),
    channels: channels.map((id) => ({
      log: model.log(id).map(placeOf),
      vector: model.channel(id)?.vector.toData(),
      purged: model.purged(id).toData(),
    })),
  })
}

/** Cuts off what is left of a script in whose middle the file ends, as docs/operating/redis.md says. */
function mend({ dir }: RedisServer): void {
  const manifest = join(dir, 'appendonlydir/appendonly.aof.manifest')
  execFileSync('redis-check-aof', ['--fix', manifest], { input: 'y\n', stdio: ['pipe', 'ignore', 'inherit'] })
}

describe('a Redis that lost the end of what it had written', () => {
  it.each([1, 2, 3])('is what it was after one of its steps, wherever the end is (seed %i)', async (seed) => {
    const random = new Random(seed)
    const model = new StoreModel()
    const states = [contentsOfModel(model)]
    store = await openRedisStore({ url: server.url, prefix })
    for (const step of steps(random, 300)) {
      await Promise.resolve(step(store)).catch(() => undefined)
      step(model)
      states.push(contentsOfModel(model))
    }
    let last = states.length
    for (let bytes = await server.written(); bytes > 0; bytes -= random.below(20_000)) {
      await store.close()
      await server.kill()
      await server.keepOnly(bytes)
      await server.restart()
      store = await openRedisStore({ url: server.url, prefix })
      const found = await contentsOf(store)
      const step = states.findLastIndex((state, i) => i <= last && isDeepStrictEqual(state, found))
      expect(step, `with ${bytes} bytes`).toBeGreaterThanOrEqual(0)
      last = step
    }
    expect(last).toBeLessThan(50)
  })

  it('mended as the documentation says, keeps nothing of the step that was cut, also after the next crash', async () => {
    await server.stop()
    server = await startRedis({ args: ['--aof-load-truncated', 'no'] })
    const restart = async (): Promise<Store> => {
      await server.restart()
      return openRedisStore({ url: server.url, prefix })
    }
    store = await openRedisStore({ url: server.url, prefix })
    await store.append(channel, self, 1)
    await store.append(message(channel.id, 'kept'), self, 2)
    const kept = await contentsOf(store)
    await store.append(message(channel.id, 'cut'), self, 3)
    await store.close()
    await server.kill()
    // Within the last command of the script.
    await server.keepOnly((await server.written()) - 20)
    await expect(server.restart()).rejects.toThrow('redis-server ended with 1')
    mend(server)
    store = await restart()
    expect(await contentsOf(store)).toEqual(kept)
    await store.append(message(channel.id, 'later'), self, 4)
    const later = await contentsOf(store)
    await store.close()
    await server.kill()
    store = await restart()
    expect(await contentsOf(store)).toEqual(later)
  })

  it('gives no position and no coordinate twice', async () => {
    const random = new Random(7)
    const opened = await openRedisStore({ url: server.url, prefix })
    store = opened
    const incarnation = new Incarnation(self.server, new VersionVector(), () => self.incarnation)
    const announced: Position[] = []
    /** Coordinates and positions that were announced, reported or read, with what they stand for. */
    const names = new Map<string, Set<string>>()
    const name = (id: string, { server, incarnation, n }: Coordinate): void => {
      const coordinate = `${server} ${incarnation} ${n}`
      if (server === self.server) names.set(coordinate, (names.get(coordinate) ?? new Set()).add(id))
    }
    const place = (id: string, position: Position): void => {
      names.set(`${position}`, (names.get(`${position}`) ?? new Set()).add(id))
    }
    let lost = 0
    opened.onAppended(({ id, coordinate }, logged) => {
      name(id, coordinate)
      if (!logged) return
      place(id, logged.position)
      announced.push(logged.position)
    })
    opened.onReconnected(() => incarnation.renew())
    for (let round = 0; round < 8; round++) {
      const write = async (worker: number): Promise<void> => {
        for (let i = 0; ; i++) {
          const mine = message(channel.id, `${round}.${worker}.${i}`)
          const theirs = message(channel.id, `${round}.${worker}.${i} of a peer`)
          const { coordinate } = await opened.append(mine, incarnation.self, i)
          name(mine.id, coordinate)
          await opened.replicate(at(theirs, [1, 1, 1 + random.below(900)]))
        }
      }
      const writers = Array.from({ length: 8 }, (_, worker) => write(worker).catch(() => undefined))
      const before = await server.written()
      while ((await server.written()) < before + 50_000) await opened.ping()
      const back = new Promise<void>((resolve) => {
        const stop = opened.onReconnected(() => {
          stop()
          resolve()
        })
      })
      await server.kill()
      await Promise.all(writers)
      await server.keepOnly((await server.written()) - random.below(40_000))
      // Redis 7.0 by itself would keep half of the script in whose middle the file ends, and find it after the next crash.
      mend(server)
      await server.restart()
      await back
      const log = await opened.readForward(channel.id, new VersionVector(), { limit: 100_000 })
      const vector = await opened.vector()
      for (const { entry, position } of log) {
        expect(vector.has(originOf(entry.coordinate), entry.coordinate.n)).toBe(true)
        name(entry.id, entry.coordinate)
        place(entry.id, position)
      }
      const kept = new Set(log.map(({ entry }) => entry.id))
      lost = [...names.values()].filter((ids) => [...ids].every((id) => !kept.has(id))).length
    }
    expect(announced).toEqual([...new Set(announced)].sort((a, b) => a - b))
    expect([...names.values()].filter((ids) => ids.size > 1)).toEqual([])
    expect(lost).toBeGreaterThan(0)
  })
})
