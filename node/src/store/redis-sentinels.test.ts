import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeStore, type StoreHarness } from './contract.ts'
import { openRedisStore } from './redis.ts'
import { reconnected, type RedisGroup } from './testing/redis-cluster.ts'
import { NAME, startRedisSentinels } from './testing/redis-sentinels.ts'
import { startRedis } from './testing/redis-server.ts'
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
    const store = await openRedisStore({ ...group.address, prefix: 'dred:{promoted}:', replicas: 1 })
    await store.append(channel, self, 1)
    await store.append(message(channel.id, 'before'), self, 1)
    const back = reconnected(store)
    const master = await group.masterOf('')
    await onSentinels((sentinel) => sentinel.call('SENTINEL', 'FAILOVER', NAME), 1)
    await group.masterOf('', master)
    await back
    expect(await store.append(message(channel.id, 'after'), self, 2)).toMatchObject({ created: true, coordinate: { n: 1 } })
    expect((await store.channel(channel.id))?.messages).toBe(2)
    await store.close()
  })

  it('is left also when it goes on answering', async () => {
    const store = await openRedisStore({ ...group.address, prefix: 'dred:{cut off}:' })
    await store.append(channel, self, 1)
    const other = await startRedis({ appendonly: false })
    const back = reconnected(store)
    await onSentinels(async (sentinel) => {
      await sentinel.call('SENTINEL', 'REMOVE', NAME)
      await sentinel.call('SENTINEL', 'MONITOR', NAME, '127.0.0.1', other.port, 2)
    })
    await back
    expect((await store.vector()).toData()).toEqual({})
    await store.close()
    await other.stop()
  })
})

async function onSentinels(act: (sentinel: Redis) => Promise<unknown>, count = 3): Promise<void> {
  const { sentinels } = group.address as { sentinels: string[] }
  for (const url of sentinels.slice(0, count)) {
    const sentinel = new Redis(url, { protocol: 2 })
    await act(sentinel)
    sentinel.disconnect()
  }
}
