import type { Redis } from 'ioredis'
import type { StoreSize } from './port.ts'

/**
 * Looks at how Redis is set up before anything is entrusted to it.
 * @returns what its operator should know
 * @throws when it would delete what it holds to make room
 */
export async function examineRedis(redis: Redis): Promise<string | undefined> {
  const info = new Map((await redis.info()).split('\r\n').map((line) => line.split(':') as [string, string]))
  const policy = info.get('maxmemory_policy') ?? ''
  if (policy.startsWith('allkeys')) {
    throw new Error(`it may evict what is stored in it (maxmemory-policy ${policy}): set noeviction, or one of the volatile policies`)
  }
  if (info.get('aof_enabled') !== '0') return undefined
  return 'Redis writes no append-only file: what was acknowledged is lost with its process, unless a replica has it'
}

/** @param info what `INFO memory` says */
export function memoryOf(info: string): StoreSize {
  const read = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  return { bytes: read('used_memory'), maxBytes: read('maxmemory') || Number.POSITIVE_INFINITY }
}
