import { randomUUID } from 'node:crypto'
import { VersionVector } from '@dred/protocol'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AppendResult, Position, Store } from './port.ts'
import { openRedisStore } from './redis.ts'
import { type RedisServer, startRedis } from './testing/redis-server.ts'
import { channel, message, self } from './testing/samples.ts'
import { startTcpProxy, type TcpProxy } from './testing/tcp-proxy.ts'

const next = { ...self, incarnation: self.incarnation + 1 }
const everything = { limit: 100_000 }

let server: RedisServer
let proxy: TcpProxy
let store: Store
/** What the store told its listeners, in order: ids, and `reconnected`. */
let events: string[]
let positions: (Position | undefined)[]

function reconnected(): Promise<void> {
  return new Promise((resolve) => {
    const stop = store.onReconnected(() => {
      stop()
      resolve()
    })
  })
}

async function prepare(appendonly: boolean): Promise<void> {
  server = await startRedis({ appendonly })
  proxy = await startTcpProxy(server.port)
  store = await openRedisStore({ url: `redis://127.0.0.1:${proxy.port}`, prefix: `dred:{${randomUUID()}}:`, timeoutMs: 500 })
  events = []
  positions = []
  store.onAppended(({ id }, place) => {
    events.push(id)
    positions.push(place?.position)
  })
  store.onReconnected(() => events.push('reconnected'))
}

async function logged(): Promise<string[]> {
  return (await store.readForward(channel.id, new VersionVector(), everything)).map(({ entry }) => entry.id)
}

afterEach(async () => {
  await store.close()
  await proxy.close()
  await server.stop()
})

describe('a Redis that keeps what it has answered', () => {
  beforeEach(() => prepare(true))

  it('has every reported append after SIGKILL under load, none twice', async () => {
    const reported = new Map<string, AppendResult>()
    const failures: unknown[] = []
    let crash: (() => void) | undefined
    const crashed = new Promise<void>((resolve) => {
      crash = resolve
    })
    const load = async (worker: number): Promise<void> => {
      for (let i = 0; failures.length === 0; i++) {
        const entry = message(channel.id, `${worker}.${i} ${'x'.repeat(1_000)}`)
        const result = await store.append(entry, self, i).catch((error: unknown) => void failures.push(error))
        if (result) reported.set(entry.id, result)
        if (reported.size === 500) crash?.()
      }
    }
    const workers = Array.from({ length: 32 }, (_, worker) => load(worker))
    await crashed
    await server.kill()
    await Promise.all(workers)
    expect(failures.every((error) => (error as { code?: string }).code === 'store_unavailable')).toBe(true)
    const back = reconnected()
    await server.restart()
    await back

    const log = await store.readForward(channel.id, new VersionVector(), everything)
    const kept = new Map(log.map(({ entry }) => [entry.id, entry.coordinate]))
    expect(kept.size).toBe(log.length)
    for (const [id, { coordinate }] of reported) expect(kept.get(id)).toEqual(coordinate)
    const upTo = (await store.vector()).watermark(`${self.server}-${self.incarnation}`)
    expect(upTo).toBe(log.length)
    expect((await store.readOrigin({ ...self, from: 1, to: upTo }, upTo)).map(({ kind }) => kind)).toEqual(log.map(() => 'message'))
    expect(events).toEqual([...log.map(({ entry }) => entry.id), 'reconnected'])
  })

  it('announces an append whose answer was lost, once, and knows it when it is tried again', async () => {
    await store.append(message(channel.id, 'before'), self, 1)
    const answered = proxy.withholdAnswers()
    const lost = store.append(message(channel.id, 'lost'), self, 2).catch((error: unknown) => error)
    await answered
    const back = reconnected()
    proxy.cut()
    expect(await lost).toMatchObject({ code: 'store_unavailable' })
    await back
    expect(await store.append(message(channel.id, 'lost'), next, 3)).toEqual({
      created: false,
      coordinate: { ...self, n: 2 },
      clock: 2,
    })
    await store.append(message(channel.id, 'after'), next, 4)
    const ids = ['before', 'lost', 'after'].map((text) => message(channel.id, text).id)
    expect(events).toEqual([ids[0], ids[1], 'reconnected', ids[2]])
    expect(await logged()).toEqual(ids)
  })

  it('gives up a connection that does not answer, and comes back', async () => {
    const answered = proxy.withholdAnswers()
    const ping = store.ping().catch((error: unknown) => error)
    await answered
    expect(await ping).toMatchObject({ code: 'store_unavailable' })
    const back = reconnected()
    proxy.cut()
    await back
    await expect(store.ping()).resolves.toBeUndefined()
  })

  it('fails at once while Redis is away, and ends the incarnation that saw it go', async () => {
    await store.append(channel, self, 1)
    await server.kill()
    await expect(store.ping()).rejects.toMatchObject({ code: 'store_unavailable' })
    const started = performance.now()
    await expect(store.append(message(channel.id, 'away'), self, 2)).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(store.channel(channel.id)).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(performance.now() - started).toBeLessThan(200)

    const back = reconnected()
    await server.restart()
    await back
    const { created, coordinate } = await store.append(message(channel.id, 'stale'), self, 3)
    expect({ created, n: coordinate.n }).toEqual({ created: true, n: 1 })
    expect(coordinate.incarnation).toBeGreaterThan(self.incarnation)
    expect(store.shared?.incarnation).toBe(coordinate.incarnation)
    expect((await store.channel(channel.id))?.genesis).toEqual(channel.genesis)
  })

  it('refuses writes while Redis does, and takes them again afterwards', async () => {
    const admin = new Redis(server.url)
    await admin.config('SET', 'maxmemory', '1')
    await expect(store.append(channel, self, 1)).rejects.toMatchObject({ code: 'storage_full' })
    await admin.config('SET', 'maxmemory', '0')
    expect(await store.append(channel, self, 1)).toMatchObject({ created: true, coordinate: { n: 1 } })
    admin.disconnect()
  })

  it('reads what it announced in the same order through many concurrent writes', async () => {
    const entries = Array.from({ length: 300 }, (_, i) => message(channel.id, `${i}`))
    const reads: Promise<string[]>[] = []
    await Promise.all(
      entries.map(async (entry, i) => {
        await store.append(entry, self, 1)
        if (i % 20 === 0) reads.push(logged())
      }),
    )
    for (const read of await Promise.all(reads)) expect(read).toEqual(events.slice(0, read.length))
    expect(await logged()).toEqual(events)
  })
})

describe('a Redis that loses everything', () => {
  beforeEach(() => prepare(false))

  it('is taken as it comes back, and no position is given twice', async () => {
    for (const text of ['a', 'b', 'c']) await store.append(message(channel.id, text), self, 1)
    await server.kill()
    const back = reconnected()
    await server.restart()
    await back
    expect((await store.vector()).toData()).toEqual({})
    const { coordinate } = await store.append(message(channel.id, 'a'), self, 2)
    expect(coordinate.n).toBe(1)
    expect(coordinate.incarnation).toBeGreaterThan(self.incarnation)
    expect(positions).toEqual([...positions].sort((x, y) => Number(x) - Number(y)))
    expect(new Set(positions).size).toBe(4)
    expect(await logged()).toEqual([message(channel.id, 'a').id])
  })

  it('is noticed once by all who write to one that was emptied', async () => {
    await store.append(channel, self, 1)
    const warnings: Error[] = []
    const warn = (warning: Error): void => void warnings.push(warning)
    process.on('warning', warn)
    const admin = new Redis(server.url)
    await admin.flushall()
    admin.disconnect()
    const back = reconnected()
    const writes = Array.from({ length: 20 }, (_, i) => store.append(message(channel.id, `${i}`), self, 2))
    for (const written of await Promise.allSettled(writes)) expect(written).toMatchObject({ reason: { code: 'store_unavailable' } })
    await back
    expect(events.filter((event) => event === 'reconnected')).toHaveLength(1)
    process.off('warning', warn)
    expect(warnings).toEqual([])
  })
})

describe('opening', () => {
  it('says at once, without the password, that Redis is not there', async () => {
    await prepare(false)
    await server.kill()
    const url = `redis://:hunter2@127.0.0.1:${server.port}`
    const failure = await openRedisStore({ url, prefix: 'dred:{x}:' }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'store_unavailable' })
    expect(String(failure)).toContain(`127.0.0.1:${server.port}`)
    expect(String(failure)).not.toContain('hunter2')
  })
})
