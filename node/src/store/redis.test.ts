import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeStore, type StoreHarness } from './testing/contract.ts'
import { openRedisStore } from './redis.ts'
import { describeAgainstModel } from './testing/against-model.ts'
import { type RedisServer, startRedis } from './testing/redis-server.ts'
import { channel, message } from './testing/samples.ts'

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

it('Redis remembers so many coordinates of one id, and counts all', async () => {
  const store = await (await prepare()).open()
  const entry = message(channel.id, 'named by many')
  await store.append(entry, { server: 1, incarnation: 1 }, 1)
  const { id, channel: of } = entry
  const origin = { server: 9, incarnation: 1 }
  const counts = Array.from({ length: 2_000 }, (_, i) => i + 1)
  await Promise.all(counts.map((n) => store.replicate({ kind: 'reference', coordinate: { ...origin, n }, channel: of, id })))
  expect((await store.vector()).watermark('9-1')).toBe(2_000)
  const kept = await store.readOrigin({ ...origin, from: 1, to: 2_000 }, 2_000)
  expect(kept.filter(({ kind }) => kind === 'reference').length).toBeLessThan(1_100)
  expect(kept.at(-1)).toMatchObject({ kind: 'gone', coordinate: { n: 2_000 } })
  await store.close()
})
