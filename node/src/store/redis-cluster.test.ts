import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import { describeStore, type StoreHarness } from './contract.ts'
import { openRedisStore } from './redis.ts'
import { type RedisGroup, startRedisCluster } from './testing/redis-cluster.ts'

let cluster: RedisGroup
beforeAll(async () => {
  cluster = await startRedisCluster({ appendonly: false })
}, 30_000)
afterAll(() => cluster.stop())

async function prepare(): Promise<StoreHarness> {
  // Every store of its own slot: all masters are asked.
  const prefix = `dred:{${randomUUID()}}:`
  return { open: () => openRedisStore({ ...cluster.address, prefix, replicas: 1 }), dispose: async () => undefined }
}

describeStore('Redis Cluster', prepare)
