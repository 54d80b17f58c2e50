import { setTimeout as delay } from 'node:timers/promises'
import { type Signer, signMessage } from '@dred/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openRedisStore } from './store/redis.ts'
import { type RedisServer, startRedis } from './store/testing/redis-server.ts'
import { StreamReader } from './testing/stream-client.ts'
import { createChannel, startTestNode, type TestNode, testSigner } from './testing/test-node.ts'

let redis: RedisServer
let node: TestNode
let signer: Signer
let channel: string

async function begin(appendonly: boolean): Promise<void> {
  redis = await startRedis({ appendonly })
  // What is older than a few seconds is forgotten at a purge: a slow machine shall not make that a loss.
  const settings = { purgeEveryMs: 600_000 }
  node = await startTestNode(settings, { store: await openRedisStore({ url: redis.url, prefix: 'dred:{test}:' }) })
  channel = await createChannel(node.url, signer)
}

beforeEach(async () => {
  signer = await testSigner()
})
afterEach(async () => {
  await node.close()
  await redis.stop()
})

/** Publishes as a client does: the same message again until it is acknowledged. */
async function publishUntilTaken(value: number): Promise<string> {
  const { id, signed } = await signMessage(signer, channel, { message: value, sentAt: Date.now() })
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(signed) }
  for (;;) {
    const response = await fetch(`${node.url}/channel/${channel}`, init)
    const body = (await response.json()) as { code?: string; retryable?: boolean }
    if (response.ok) return id
    if (body.retryable !== true) throw new Error(`${response.status} ${body.code}`)
    await delay(20)
  }
}

/** Reads as a client does: after every end from the last cursor on, until it has all of `count` messages. */
async function readAll(count: number): Promise<Map<string, unknown>> {
  const seen = new Map<string, unknown>()
  let query = 'from=start'
  while (seen.size < count) {
    const reader = await StreamReader.open(`${node.url}/channel/${channel}/stream?${query}`).catch(() => delay(20))
    if (!reader) continue
    await reader.until(({ messages }) => new Set([...seen.keys(), ...messages.map(({ id }) => id)]).size >= count).catch(() => undefined)
    for (const { id, message } of reader.messages) seen.set(id, message)
    const last = reader.events.findLast((event) => 'cursor' in event)
    if (last && 'cursor' in last) query = `after=${last.cursor}`
    reader.stop()
  }
  return seen
}

test.each([
  ['that keeps what it has written', true],
  ['that loses everything', false],
])('nothing acknowledged is lost when Redis is killed twice under the server: one %s', { timeout: 60_000 }, async (_name, appendonly) => {
  await begin(appendonly)
  const reading = readAll(120)
  const ids = new Set<string>()
  for (let i = 0; i < 120; i++) {
    if (i === 30 || i === 80) {
      await redis.kill()
      setTimeout(() => void redis.restart(), 100)
    }
    ids.add(await publishUntilTaken(i))
  }
  const read = await reading
  expect(new Set(read.keys())).toEqual(ids)
  expect([...read.values()].toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 120 }, (_, i) => i))
  await expect
    .poll(async () => {
      const response = await fetch(`${node.url}/channel/${channel}/messages?limit=500`)
      return ((await response.json()) as { items: { id: string }[] }).items.map(({ id }) => id).toSorted()
    })
    .toEqual([...ids].toSorted())
})
