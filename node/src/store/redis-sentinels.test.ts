import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import { describeStore, type StoreHarness } from './contract.ts'
import { openRedisStore } from './redis.ts'
import type { RedisGroup } from './testing/redis-cluster.ts'
import { startRedisSentinels } from './testing/redis-sentinels.ts'

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
