import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { EXPIRED_CHANNEL_KEPT_MS, EXPIRED_MESSAGES_KEPT_MS } from './entries.ts'
import { openRedisStore } from './redis.ts'
import { keysUnder } from './redis-records.ts'
import { startRedis } from './testing/redis-server.ts'
import { channel, control, message, self } from './testing/samples.ts'

it('Redis keeps nothing of a channel and its control messages when it is forgotten', async () => {
  const server = await startRedis({ appendonly: false })
  const redis = new Redis(server.url)
  const store = await openRedisStore({ url: server.url, prefix: 'dred:{controls}:' })
  try {
    await store.append(channel, self, 1)
    await store.append(control(channel.id, 'one'), self, 2)
    await store.append(message(channel.id, 'and a message'), self, 3)
    const ofControls = async () => (await redis.keys(`*${channel.id}:k*`)).length
    expect(await ofControls()).toBe(2)
    const expiredAt = 102_001
    await store.purge(expiredAt)
    await store.purge(expiredAt + EXPIRED_MESSAGES_KEPT_MS + 1)
    expect([await ofControls(), await store.controls(channel.id, { limit: 10 })]).toEqual([0, []])
    await store.purge(expiredAt + EXPIRED_CHANNEL_KEPT_MS + 1)
    expect(await redis.keys('*')).toEqual([keysUnder('dred:{controls}:').state])
  } finally {
    await store.close()
    redis.disconnect()
    await server.stop()
  }
})
