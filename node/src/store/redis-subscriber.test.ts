import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { RedisSubscriber } from './redis-subscriber.ts'
import { type RedisServer, startRedis } from './testing/redis-server.ts'

let server: RedisServer
let admin: Redis
beforeAll(async () => {
  server = await startRedis({ appendonly: false })
  admin = new Redis(server.url)
})
afterAll(async () => {
  admin.disconnect()
  await server.stop()
})

it('hears from the moment on that it says so, time and again', async () => {
  const heard: string[] = []
  for (let i = 0; i < 30; i++) {
    const listener = { message: (_: string, payload: Buffer) => heard.push(payload.toString()), subscribed: () => undefined }
    const subscriber = new RedisSubscriber({ url: server.url, prefix: '' }, () => [`{c}${i}`], listener)
    await subscriber.attempted
    await admin.spublish(`{c}${i}`, `${i}`)
    await expect.poll(() => heard.at(-1)).toBe(`${i}`)
    subscriber.close()
  }
})

it('stays connected while nothing is said', async () => {
  let subscribed = 0
  const listener = { message: () => undefined, subscribed: () => subscribed++ }
  const subscriber = new RedisSubscriber({ url: server.url, prefix: '', timeoutMs: 100 }, () => ['{c}'], listener)
  await subscriber.attempted
  await delay(400)
  expect(subscribed).toBe(1)
  await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await expect.poll(() => subscribed).toBe(2)
  subscriber.close()
})
