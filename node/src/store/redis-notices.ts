import { nameOf, supersedes } from '../notices/order.ts'
import type { Notice } from '../notices/port.ts'
import type { NoticeStore } from './port.ts'
import type { ScriptedRedis } from './redis-connection.ts'

type Run = <T>(command: (redis: ScriptedRedis) => Promise<T>) => Promise<T>

/** Under one key, by the time of their end. One that was replaced behind this process's back stays until then, and does not count. */
export function redisNotices(key: string, run: Run): NoticeStore {
  return {
    put: (notice, replaced) =>
      run(async (redis) => {
        await redis.zadd(key, notice.expiresAt, memberOf(notice))
        if (replaced) await redis.zrem(key, memberOf(replaced))
      }),
    all: async (now) => latest((await run((redis) => redis.zrangebyscore(key, now, '+inf'))).map((text) => JSON.parse(text) as Notice)),
    purge: async (now) => {
      await run((redis) => redis.zremrangebyscore(key, '-inf', `(${now}`))
    },
  }
}

/** Always the same text, so that a notice is found again by it. */
function memberOf({ kind, about, at, expiresAt, text }: Notice): string {
  return JSON.stringify({ kind, about, at, expiresAt, text })
}

function latest(notices: readonly Notice[]): Notice[] {
  const byName = new Map<string, Notice>()
  for (const notice of notices) {
    const name = nameOf(notice)
    const other = byName.get(name)
    if (!other || supersedes(notice, other)) byName.set(name, notice)
  }
  return [...byName.values()]
}
