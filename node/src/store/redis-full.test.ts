import { mkdir, rm } from 'node:fs/promises'
import { originOf, VersionVector } from '@dred/protocol'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Store } from './port.ts'
import { openRedisStore } from './redis.ts'
import { type RedisServer, startRedis } from './testing/redis-server.ts'
import { at, channel, ids, message, ownOrigin, self } from './testing/samples.ts'

let server: RedisServer
let admin: Redis
let store: Store
beforeEach(async () => {
  server = await startRedis()
  admin = new Redis(server.url)
  store = await openRedisStore({ url: server.url, prefix: 'dred:{full}:' })
  await store.append(channel, self, 1)
})
afterEach(async () => {
  await store.close()
  admin.disconnect()
  await server.stop()
})

/** Lets Redis have so much more than it uses now. */
async function allow(bytes: number): Promise<void> {
  const used = Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1])
  await admin.config('SET', 'maxmemory', used + bytes)
}

const log = async (): Promise<string[]> => ids(await store.readForward(channel.id, new VersionVector(), { limit: 100_000 }))
const theirs = (n: number) => at(message(channel.id, `theirs ${n} ${'x'.repeat(2_000)}`), [1, 1, n])

/** Writes until some were refused, of a peer out of order. @returns the ids that were taken, and what the others were told */
async function fill(): Promise<{ taken: string[]; refusals: Set<string> }> {
  const taken: string[] = []
  const refusals = new Set<string>()
  for (let batch = 0; refusals.size === 0; batch++) {
    const own = Array.from({ length: 20 }, (_, i) => message(channel.id, `${batch}.${i} ${'x'.repeat(2_000)}`))
    // Each batch fills the gaps of the one before.
    const counts = Array.from({ length: 20 }, (_, i) => 20 * batch + i + 1 - (i % 2 ? 20 : 0)).filter((n) => n > 0)
    const writes = [
      ...own.map(async (entry) => store.append(entry, self, 1).then(() => entry.id)),
      ...counts.map(async (n) => store.replicate(theirs(n)).then(() => theirs(n).id)),
    ]
    for (const outcome of await Promise.allSettled(writes)) {
      if (outcome.status === 'fulfilled') taken.push(outcome.value)
      else refusals.add(outcome.reason.code)
    }
  }
  return { taken, refusals }
}

it('without memory refuses writes whole, is read, deletes, and takes writes again', async () => {
  await allow(500_000)
  const { taken, refusals } = await fill()
  expect([...refusals]).toEqual(['storage_full'])
  expect(taken.length).toBeGreaterThan(30)
  expect((await log()).sort()).toEqual([...new Set(taken)].sort())
  // What fills a gap may still be taken, as it begins with deleting: whole or not at all.
  await allow(-200_000)
  for (let n = 1; n < 200; n++)
    await store.replicate(theirs(n)).then(
      () => taken.push(theirs(n).id),
      () => undefined,
    )
  const kept = await store.readForward(channel.id, new VersionVector(), { limit: 100_000 })
  expect(ids(kept).sort()).toEqual([...new Set(taken)].sort())
  const seen = VersionVector.from({ [ownOrigin]: [1] })
  for (const { entry } of kept) seen.add(originOf(entry.coordinate), entry.coordinate.n)
  expect((await store.vector()).toData()).toEqual(seen.toData())
  await expect(store.ping()).rejects.toMatchObject({ code: 'storage_full', detail: expect.stringContaining('OOM') })
  expect(await store.purge(message('', '').expiresAt + 1)).toBe(kept.length)
  await allow(200_000)
  await expect.poll(() => store.ping().catch((error) => error.code)).toBeUndefined()
  expect(await store.append(message(channel.id, 'next', { sentAt: 90_000 }), self, 2)).toMatchObject({ created: true })
})

it('is reached anew, and read, while Redis has no memory', async () => {
  await allow(300_000)
  const { taken } = await fill()
  await store.close()
  await allow(-200_000)
  store = await openRedisStore({ url: server.url, prefix: 'dred:{full}:' })
  expect((await log()).sort()).toEqual([...new Set(taken)].sort())
  await admin.config('SET', 'maxmemory', 0)
  expect(await store.append(message(channel.id, 'next'), self, 2)).toMatchObject({ created: true })
})

it('takes a disk on which Redis cannot write as full', async () => {
  let sent = 0
  const send = () => store.append(message(channel.id, `${sent++}`), self, 1).catch((error) => error.code)
  // Its snapshot is a directory: saving fails.
  await mkdir(`${server.dir}/dump.rdb`)
  await admin.config('SET', 'save', '3600 100000')
  await admin.bgsave()
  await expect.poll(send, { timeout: 10_000 }).toBe('storage_full')
  expect(await log()).toHaveLength(sent - 1)
  await rm(`${server.dir}/dump.rdb`, { recursive: true })
  await admin.bgsave()
  await expect.poll(send, { timeout: 10_000 }).toMatchObject({ created: true })
  await admin.config('SET', 'save', '')
}, 30_000)
