import { describe, expect, test } from 'vitest'
import { Buckets } from './buckets.ts'
import { PoolClient } from './pool-client.ts'
import { RateLimited } from './rate-limited.ts'
import { MemoryPool } from './testing/memory-pool.ts'

/** Same seed, same numbers (mulberry32). */
function seeded(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** @returns whether the tokens were there */
async function takes(buckets: Buckets, key: string, count = 1): Promise<boolean> {
  try {
    await buckets.take(key, count)
    return true
  } catch (error) {
    if (error instanceof RateLimited) return false
    throw error
  }
}

test('each key has a bucket of its own', async () => {
  const buckets = new Buckets({ scope: 'x', rate: { burst: 2, perSecond: 1 }, now: () => 0 })
  expect([await takes(buckets, 'a'), await takes(buckets, 'a'), await takes(buckets, 'a'), await takes(buckets, 'b')]).toEqual([
    true,
    true,
    false,
    true,
  ])
})

test('says truthfully how long to wait', () => {
  let now = 0
  const buckets = new Buckets({ scope: 'x', rate: { burst: 20, perSecond: 2 }, now: () => now })
  void buckets.take('a', 20)
  const refusal = refusalOf(() => buckets.take('a', 5))
  expect(refusal).toMatchObject({ retryAfterSeconds: 3, bucket: { limit: 20, remaining: 0, resetSeconds: 10 } })
  now = 2_400
  expect(refusalOf(() => buckets.take('a', 5))).toBeDefined()
  now = 3_000
  expect(refusalOf(() => buckets.take('a', 5))).toBeUndefined()
})

test('what costs more than a bucket holds takes all of it', () => {
  const buckets = new Buckets({ scope: 'x', rate: { burst: 5, perSecond: 1 }, now: () => 0 })
  expect(refusalOf(() => buckets.take('a', 50))).toBeUndefined()
  expect(refusalOf(() => buckets.take('a', 1))).toBeDefined()
})

test('remembers a bounded number of keys', () => {
  const buckets = new Buckets({ scope: 'x', rate: { burst: 5, perSecond: 1 }, now: () => 0 })
  for (let i = 0; i < 50_000; i++) void buckets.take(`${i}`, 1)
  expect(buckets.size).toBe(20_000)
})

function refusalOf(take: () => unknown): unknown {
  try {
    take()
  } catch (error) {
    return error
  }
  return undefined
}

/** Several processes of one server. */
function processes(count: number, rate: { burst: number; perSecond: number }) {
  const clock = { now: 0 }
  const pool = new MemoryPool(() => clock.now)
  const now = (): number => clock.now
  return { clock, pool, all: Array.from({ length: count }, () => new Buckets({ scope: 'x', rate, pool: new PoolClient(pool, now), now })) }
}

test.for([
  { burst: 1, perSecond: 1 },
  { burst: 10, perSecond: 100 },
  { burst: 64, perSecond: 1 },
  { burst: 100, perSecond: 1_000 },
  { burst: 500, perSecond: 50 },
  { burst: 2_000, perSecond: 200 },
])('16 processes together never give more than one bucket of %o', async (rate) => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = seeded(seed)
    const { clock, all } = processes(16, rate)
    const spent: { at: number; count: number }[] = []
    for (let step = 0; step < 150; step++) {
      // Bursts, trickles and silences, at some processes or at all.
      clock.now += random() < 0.2 ? random() * 3_000 : random() * 30
      const active = all.slice(0, 1 + Math.floor(random() * 16))
      const tries = random() < 0.3 ? Math.ceil(rate.burst / 4) : 3
      const count = random() < 0.2 ? 1 + random() * 4 : 1
      await Promise.all(
        active.flatMap((buckets) =>
          Array.from({ length: Math.min(tries, 40) }, async () => {
            if (await takes(buckets, 'a', Math.min(count, rate.burst))) spent.push({ at: clock.now, count: Math.min(count, rate.burst) })
          }),
        ),
      )
    }
    assertWithin(spent, rate)
    expect(spent.length).toBeGreaterThan(0)
  }
})

/** In no stretch of time more than the bucket and what came back to it. */
function assertWithin(spent: { at: number; count: number }[], { burst, perSecond }: { burst: number; perSecond: number }): void {
  for (let from = 0; from < spent.length; from += 7) {
    let sum = 0
    for (let to = from; to < spent.length; to++) {
      sum += spent[to]?.count ?? 0
      const seconds = ((spent[to]?.at ?? 0) - (spent[from]?.at ?? 0)) / 1_000
      if (sum > burst + seconds * perSecond + 1e-6) throw new Error(`${sum} in ${seconds} s`)
    }
  }
}

describe('tokens that processes hoard', () => {
  const rate = { burst: 6_400, perSecond: 3_200 }

  async function use(some: readonly Buckets[], { clock, everyMs, forMs }: { clock: { now: number }; everyMs: number; forMs: number }) {
    for (let ms = 0; ms < forMs; ms += everyMs) {
      clock.now += everyMs
      for (const buckets of some) await takes(buckets, 'a')
    }
  }

  async function drain(all: readonly Buckets[]): Promise<number> {
    let taken = 0
    for (const buckets of all) while (await takes(buckets, 'a')) taken++
    return taken
  }

  test('lapse', async () => {
    const { clock, all } = processes(16, rate)
    for (const buckets of all) await use([buckets], { clock, everyMs: 2, forMs: 1_500 })
    clock.now += 5_000
    expect(await drain(all)).toBeLessThanOrEqual(6_400)
  })

  test('are not there twice when the pool has filled up before they lapse', async () => {
    const { clock, pool, all } = processes(16, rate)
    const busy = all.slice(0, 12)
    await use(busy, { clock, everyMs: 5, forMs: 2_500 })
    for (const buckets of busy) {
      const { calls } = pool
      for (let tries = 0; tries < 1_000 && pool.calls === calls; tries++) await takes(buckets, 'a')
    }
    clock.now += 950
    expect(await drain(all)).toBeLessThanOrEqual(6_400)
  })
})

test('who asks for little never makes a process ask the others', async () => {
  const { clock, pool, all } = processes(2, { burst: 2_000, perSecond: 200 })
  for (let i = 0; i < 200; i++) {
    clock.now += 400
    for (const buckets of all) expect(await takes(buckets, 'a')).toBe(true)
  }
  expect(pool.calls).toBe(0)
})

test('who asks for much makes it ask seldom, and gets most of the bucket', async () => {
  const { clock, pool, all } = processes(2, { burst: 20_000, perSecond: 2_000 })
  let taken = 0
  for (let i = 0; i < 10_000; i++) {
    clock.now += 1
    for (const buckets of all) if (await takes(buckets, 'a')) taken++
  }
  expect(taken).toBeGreaterThan(18_000)
  expect(pool.calls).toBeLessThan(200)
})

test('an empty pool is not asked again before it has something', async () => {
  const { clock, pool, all } = processes(1, { burst: 100, perSecond: 1 })
  const [buckets] = all
  if (!buckets) throw new Error('no process')
  while (await takes(buckets, 'a'));
  const { calls } = pool
  for (let i = 0; i < 50; i++) expect(await takes(buckets, 'a')).toBe(false)
  expect(pool.calls).toBe(calls)
  clock.now += 2_000
  expect(await takes(buckets, 'a')).toBe(true)
})

test('many who ask in one turn are one step of the pool', async () => {
  const { pool, all } = processes(1, { burst: 10, perSecond: 1 })
  const [buckets] = all
  if (!buckets) throw new Error('no process')
  await Promise.all(Array.from({ length: 100 }, (_, i) => takes(buckets, `${i}`)))
  expect(pool.calls).toBe(1)
})

test('without the pool each process goes on by itself, and asks again later', async () => {
  const { clock, pool, all } = processes(1, { burst: 640, perSecond: 10 })
  const [buckets] = all
  if (!buckets) throw new Error('no process')
  pool.away = true
  let taken = 0
  while (await takes(buckets, 'a')) taken++
  expect(taken).toBeGreaterThan(400)
  expect(taken).toBeLessThanOrEqual(640)
  expect(pool.calls).toBe(1)
  pool.away = false
  clock.now += 1_001
  while (await takes(buckets, 'a'));
  expect(pool.granted).toBeGreaterThan(0)
})

test('a pool that does not answer is not waited for', async () => {
  const stuck = { take: () => new Promise<never>(() => undefined) }
  const now = (): number => performance.now()
  const buckets = new Buckets({ scope: 'x', rate: { burst: 10, perSecond: 1 }, pool: new PoolClient(stuck, now), now })
  expect(await takes(buckets, 'a')).toBe(true)
})
