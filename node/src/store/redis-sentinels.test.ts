import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeStore, type StoreHarness } from './testing/contract.ts'
import { openRedisStore } from './redis.ts'
import { client, reconnected, type RedisGroup } from './testing/redis-cluster.ts'
import { NAME, startRedisSentinels } from './testing/redis-sentinels.ts'
import { type RedisServer, startRedis } from './testing/redis-server.ts'
import { channel, message, self } from './testing/samples.ts'

let group: RedisGroup
beforeAll(async () => {
  group = await startRedisSentinels({ appendonly: false })
}, 30_000)
afterAll(() => group.stop())

async function prepare(): Promise<StoreHarness> {
  const prefix = `dred:{${randomUUID()}}:`
  return {
    open: () => openRedisStore({ ...group.address, prefix, replicas: 1 }),
    dispose: async () => undefined,
  }
}

describeStore('Redis under Sentinels', prepare)

describe('a master that is not it any more', { timeout: 60_000 }, () => {
  it('is left for the one that the Sentinels promoted', async () => {
    const options = { ...group.address, prefix: 'dred:{promoted}:' }
    const durable = await openRedisStore({ ...options, replicas: 1 })
    await durable.append(channel, self, 1)
    await durable.append(message(channel.id, 'before'), self, 1)
    await durable.close()
    const store = await openRedisStore(options)
    const back = reconnected(store)
    const master = await group.masterOf('')
    await onSentinels((sentinel) => sentinel.call('SENTINEL', 'FAILOVER', NAME), 1)
    await group.masterOf('', master)
    await back
    expect(await store.append(message(channel.id, 'after'), self, 2)).toMatchObject({ created: true, coordinate: { n: 1 } })
    expect((await store.channel(channel.id))?.messages).toBe(2)
    await store.close()
  })

  it('is not taken on the word of one Sentinel that missed the election', async () => {
    const other = await startRedis({ appendonly: false })
    await pointTo(other, 1)
    const store = await openRedisStore({ ...group.address, prefix: 'dred:{outdated}:' })
    await store.append(channel, self, 1)
    const redis = client(other)
    expect(await redis.dbsize()).toBe(0)
    redis.disconnect()
    await store.close()
    await other.stop()
  })

  it('is left also when it goes on answering', async () => {
    const store = await openRedisStore({ ...group.address, prefix: 'dred:{cut off}:' })
    await store.append(channel, self, 1)
    const other = await startRedis({ appendonly: false })
    const back = reconnected(store)
    await pointTo(other, 3)
    await back
    expect((await store.vector()).toData()).toEqual({})
    await store.close()
    await other.stop()
  })
})

/** Has Sentinels watch another master under the name, of which they have seen no election. */
async function pointTo({ port }: RedisServer, count: number): Promise<void> {
  // All forget the former one first: they tell each other of it.
  await onSentinels((sentinel) => sentinel.call('SENTINEL', 'REMOVE', NAME), count)
  await onSentinels((sentinel) => sentinel.call('SENTINEL', 'MONITOR', NAME, '127.0.0.1', port, 2), count)
}

async function onSentinels(act: (sentinel: Redis) => Promise<unknown>, count: number): Promise<void> {
  const { sentinels } = group.address as { sentinels: string[] }
  for (const url of sentinels.slice(0, count)) {
    const sentinel = new Redis(url, { protocol: 2 })
    await act(sentinel)
    sentinel.disconnect()
  }
}
