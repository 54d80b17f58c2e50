import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Signer } from '@dred/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRedisStore } from '../store/redis.ts'
import { type RedisServer, startRedis } from '../store/testing/redis-server.ts'
import { newServerKey } from '../testing/server-key.ts'
import { createChannel, publish, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'
import { noLimits } from './config.ts'

let redis: RedisServer
let folder: string
let signer: Signer
let nodes: [TestNode, TestNode]

/** Two processes of one server, as far as their store can tell. */
beforeAll(async () => {
  redis = await startRedis({ appendonly: false })
  folder = mkdtempSync(join(tmpdir(), 'dred-limits-'))
  signer = await testSigner()
  const key = await newServerKey()
  const start = async (): Promise<TestNode> =>
    startTestNode(
      {
        limits: { ...noLimits, device: { burst: 4, perSecond: 0.001 } },
        admin: { host: '127.0.0.1', port: 0, tokenFile: join(folder, 'token') },
      },
      { key, store: await openRedisStore({ url: redis.url, prefix: 'dred:{limits}:' }) },
    )
  nodes = [await start(), await start()]
})
afterAll(async () => {
  for (const node of nodes) await node.close()
  await redis.stop()
  rmSync(folder, { recursive: true })
})

test('who goes to another process of the server finds the same bucket', async () => {
  const [one, two] = nodes
  const channel = await createChannel(one.url, signer)
  const statuses: number[] = []
  for (const [i, { url }] of [one, two, one, two, one, two].entries()) {
    statuses.push((await publish(url, channel, { signer, message: i })).status)
  }
  // Each costs a little more than one token.
  expect(statuses).toEqual([201, 201, 201, 429, 429, 429])
  expect((await publish(two.url, channel, { signer: await testSigner(), message: 1 })).status).toBe(201)
})

test('whom an operator blocks at one process all refuse', async () => {
  const [one, two] = nodes
  const other = await testSigner()
  const channel = await createChannel(one.url, other)
  const headers = { authorization: `Bearer ${readFileSync(join(folder, 'token'), 'utf8').trim()}` }
  const block = { method: 'POST', headers, body: JSON.stringify({ device: other.key, seconds: 60 }) }
  expect((await fetch(`${one.adminUrl}/admin/limits/block`, block)).status).toBe(200)
  await expect.poll(async () => (await publish(two.url, channel, { signer: other, message: Math.random() })).status).toBe(429)
})
