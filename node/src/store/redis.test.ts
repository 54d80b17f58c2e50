import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import { describeStore } from './contract.ts'
import { openRedisStore } from './redis.ts'
import { type RedisServer, startRedis } from './testing/redis-server.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

describeStore('Redis store', async () => {
  const prefix = `dred:{${randomUUID()}}:`
  return { open: () => openRedisStore({ url: server.url, prefix }), dispose: async () => undefined }
})
