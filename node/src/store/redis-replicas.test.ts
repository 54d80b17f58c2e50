import { VersionVector } from '@dred/protocol'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Store } from './port.ts'
import { openRedisStore } from './redis.ts'
import { client, reconnected, until } from './testing/redis-cluster.ts'
import { type RedisServer, startRedis } from './testing/redis-server.ts'
import { channel, ids, message, self } from './testing/samples.ts'

let master: RedisServer
let replica: RedisServer
let admin: Redis
beforeAll(async () => {
  master = await startRedis({ appendonly: false, args: ['--repl-diskless-sync-delay', '0'] })
  replica = await startRedis({ appendonly: false, args: ['--replicaof', '127.0.0.1', `${master.port}`] })
  admin = client(master)
  await online()
}, 30_000)
afterAll(async () => {
  admin.disconnect()
  await Promise.all([master.stop(), replica.stop()])
})

let opened = 0
const open = (): Promise<Store> =>
  openRedisStore({ url: master.url, prefix: `dred:{replicas ${opened++}}:`, replicas: 1, replicaTimeoutMs: 400 })
const online = (): Promise<void> =>
  until(async () => {
    await admin.set('written', 1)
    return (await admin.wait(1, 100)) === 1
  })
const waits = async (): Promise<number> => Number(/cmdstat_wait:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0)

it('waits once for all that is written in a turn', async () => {
  const store = await open()
  await store.append(channel, self, 1)
  const before = await waits()
  await Promise.all(Array.from({ length: 100 }, (_, i) => store.append(message(channel.id, `${i}`), self, i)))
  expect((await waits()) - before).toBe(1)
  await store.close()
})

it('acknowledges and announces nothing that a replica lacks, and goes on when one has it', async () => {
  const store = await open()
  const announced: string[] = []
  store.onAppended(({ id }) => announced.push(id))
  const [before, during, after] = ['before', 'during', 'after'].map((text) => message(channel.id, text)) as [Message, Message, Message]
  await store.append(before, self, 1)
  replica.freeze()
  await expect(store.append(during, self, 2)).rejects.toMatchObject({ code: 'store_unavailable', retryable: true })
  await expect(store.append(after, self, 3)).rejects.toMatchObject({ code: 'store_unavailable' })
  expect(announced).toEqual([before.id])
  const back = reconnected(store)
  replica.thaw()
  await back
  expect(await store.append(during, self, 4)).toMatchObject({ created: false })
  await store.append(after, self, 5)
  expect(announced).toEqual([before.id, during.id, after.id])
  expect(ids(await store.readForward(channel.id, new VersionVector(), { limit: 9 }))).toEqual(announced)
  await store.close()
})

it('does not tell of what another process wrote before a replica has it', async () => {
  const prefix = 'dred:{replicas of two}:'
  const one = await openRedisStore({ url: master.url, prefix })
  const two = await openRedisStore({ url: master.url, prefix, replicas: 1, replicaTimeoutMs: 400 })
  await online()
  replica.freeze()
  const entry = message(channel.id, 'of another process')
  await one.append(entry, self, 1)
  await expect(two.append(entry, self, 2)).rejects.toMatchObject({ code: 'store_unavailable' })
  const back = reconnected(two)
  replica.thaw()
  await back
  expect(await two.append(entry, self, 3)).toMatchObject({ created: false })
  await Promise.all([one.close(), two.close()])
})

it('cannot be opened without the replicas that are to be waited for', async () => {
  const failure = openRedisStore({ url: master.url, prefix: 'dred:{many}:', replicas: 2, replicaTimeoutMs: 50 })
  await expect(failure).rejects.toThrow('1 of 2 replicas had it after 50 ms')
})

it('goes on after Redis was told to forget its scripts', async () => {
  const store = await open()
  await store.append(message(channel.id, 'before'), self, 1)
  const back = reconnected(store)
  await admin.script('FLUSH')
  await store.append(message(channel.id, 'during'), self, 2).catch(() => undefined)
  await back
  expect(await store.append(message(channel.id, 'after'), self, 3)).toMatchObject({ created: true })
  await store.close()
})

type Message = ReturnType<typeof message>
