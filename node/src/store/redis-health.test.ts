import { afterAll, beforeAll, expect, it } from 'vitest'
import { probeStore } from './index.ts'
import { openRedisStore } from './redis.ts'
import { client } from './testing/redis-cluster.ts'
import { type RedisServer, startRedis } from './testing/redis-server.ts'
import { channel, self } from './testing/samples.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis({ appendonly: false })
})
afterAll(() => server.stop())

const prefix = 'dred:{health}:'

async function underPolicy<T>(policy: string, work: () => Promise<T>): Promise<T> {
  const admin = client(server)
  await admin.config('SET', 'maxmemory-policy', policy)
  try {
    return await work()
  } finally {
    await admin.config('SET', 'maxmemory-policy', 'noeviction')
    admin.disconnect()
  }
}

async function openUnder(policy: string): Promise<void> {
  await underPolicy(policy, async () => (await openRedisStore({ url: server.url, prefix })).close())
}

function probe({ url = server.url, username = '', password = '' } = {}): Promise<string> {
  const address = new URL(url)
  Object.assign(address, { username, password })
  return probeStore({ kind: 'redis', url: address.href })
}

it.each(['allkeys-lru', 'allkeys-random'])('refuses a Redis that evicts what it should keep: %s', async (policy) => {
  await expect(openUnder(policy)).rejects.toThrow(`it may evict what is stored in it (maxmemory-policy ${policy})`)
})

it.each(['noeviction', 'volatile-lru'])('takes a Redis that keeps what has no time to live: %s', async (policy) => {
  await expect(openUnder(policy)).resolves.toBeUndefined()
})

it.each([
  ['evicts', () => underPolicy('allkeys-lru', () => probe()), 'maxmemory-policy allkeys-lru'],
  ['knows another password', () => probe({ username: 'nobody', password: 'wrong' }), 'WRONGPASS'],
  ['is not there', () => probe({ url: 'redis://127.0.0.1:1' }), 'ECONNREFUSED'],
])('tells why a Redis is of no use before a start: it %s', async (_, examine, why) => {
  await expect(examine()).rejects.toThrow(why)
})

it('finds a Redis fit before a start, and says what it lacks', async () => {
  expect(await probe()).toMatch(new RegExp(`^127\\.0\\.0\\.1:${server.port}\\. .*no append-only file`))
})

it('warns of a Redis that forgets when it ends', async () => {
  const warnings: unknown[] = []
  const other = (): void => undefined
  const log = { debug: other, info: other, error: other, warn: (fields: object, text: string) => void warnings.push([fields, text]) }
  const store = await openRedisStore({ url: server.url, prefix, log })
  expect(warnings).toEqual([[{ redis: `127.0.0.1:${server.port}` }, expect.stringContaining('writes no append-only file')]])
  await store.append(channel, self, 1)
  await store.close()

  const durable = await startRedis()
  warnings.length = 0
  await (await openRedisStore({ url: durable.url, prefix, log })).close()
  expect(warnings).toEqual([])
  await durable.stop()
})
