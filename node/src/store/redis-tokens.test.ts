import { afterAll, beforeAll, expect, test } from 'vitest'
import { Buckets } from '../limits/buckets.ts'
import { PoolClient } from '../limits/pool-client.ts'
import type { TokenPool } from '../limits/port.ts'
import type { Store } from './port.ts'
import { openRedisStore } from './redis.ts'
import { type RedisServer, startRedis } from './testing/redis-server.ts'

let redis: RedisServer
const stores: Store[] = []

beforeAll(async () => {
  redis = await startRedis({ appendonly: false })
  for (let i = 0; i < 3; i++) stores.push(await openRedisStore({ url: redis.url, prefix: 'dred:{tokens}:' }))
})
afterAll(async () => {
  for (const store of stores) await store.close()
  await redis.stop()
})

function poolOf(store: Store | undefined): TokenPool {
  if (!store?.tokens) throw new Error('no pool')
  return store.tokens
}

test('a bucket grants what it has, says how long to wait, and fills again', async () => {
  const pool = poolOf(stores[0])
  const bucket = { name: 'device:a', burst: 10, perSecond: 100 }
  const [first, second, third, other] = await pool.take([
    { ...bucket, least: 1, want: 6 },
    { ...bucket, least: 1, want: 6 },
    { ...bucket, least: 5, want: 5 },
    { ...bucket, name: 'device:b', least: 1, want: 100 },
  ])
  expect([first, second, other]).toEqual([
    { tokens: 6, waitMs: 0 },
    { tokens: 4, waitMs: 0 },
    { tokens: 10, waitMs: 0 },
  ])
  expect(third?.tokens).toBe(0)
  expect(third?.waitMs).toBeGreaterThan(45)
  expect(third?.waitMs).toBeLessThanOrEqual(50)
  await expect.poll(async () => (await pool.take([{ ...bucket, least: 10, want: 10 }]))[0]?.tokens).toBe(10)
})

test('processes together get no more than one bucket, and make few calls', async () => {
  let calls = 0
  const rate = { burst: 1_280, perSecond: 1 }
  const now = (): number => performance.now()
  const processes = stores.map((store) => {
    const pool = poolOf(store)
    const counted: TokenPool = {
      take: (requests) => {
        calls++
        return pool.take(requests)
      },
    }
    return new Buckets({ scope: 'x', rate, pool: new PoolClient(counted, now), now })
  })
  const startedAt = now()
  const taken = await Promise.all(
    processes.map(async (buckets) => {
      let count = 0
      try {
        for (;;) {
          await buckets.take('a', 1)
          count++
        }
      } catch {
        return count
      }
    }),
  )
  const sum = taken.reduce((a, b) => a + b)
  const seconds = (now() - startedAt) / 1_000
  expect(sum).toBeLessThanOrEqual(1_280 + seconds)
  expect(sum).toBeGreaterThan(900)
  expect(calls).toBeLessThan(100)
})
