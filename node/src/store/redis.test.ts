import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import { describeStore, type StoreHarness } from './contract.ts'
import { openRedisStore } from './redis.ts'
import { describeAgainstModel } from './testing/against-model.ts'
import { type RedisServer, startRedis } from './testing/redis-server.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis({ appendonly: false })
})
afterAll(() => server.stop())

async function prepare(): Promise<StoreHarness> {
  const prefix = `dred:{${randomUUID()}}:`
  return { open: () => openRedisStore({ url: server.url, prefix }), dispose: async () => undefined }
}

describeStore('Redis', prepare)
describeAgainstModel('Redis', prepare, [1, 100, 102, 110])
