import { boundsAll, boundsChannels, CUT, PURGE_STEP } from './entries.ts'
import type { RetentionCaps, StoreAccount } from './port.ts'
import type { ScriptedRedis } from './redis-connection.ts'
import type { Keys } from './redis-records.ts'

type Write = <T>(command: (redis: ScriptedRedis) => Promise<T>) => Promise<T>

interface Step {
  deleted: number
  /** The channel looked at last. */
  after: string
  more: boolean
}

/** Deletes what is beyond the bounds of what is kept, see `lua/cut.lua`. */
export class RedisCut {
  readonly #keys: Keys
  readonly #write: Write
  #after = ''

  constructor(keys: Keys, write: Write) {
    this.#keys = keys
    this.#write = write
  }

  async run(caps: RetentionCaps, now: number): Promise<number> {
    const { maxMessages, maxBytes, maxIdleMs, totalMessages, totalBytes, maxLifetimeMs } = caps
    const since = (ms: number | undefined) => (ms === undefined ? undefined : now - ms)
    let total = 0
    for (let looked = 0, more = boundsChannels(caps); more && looked < CUT.channels; ) {
      const step = await this.#step([now, PURGE_STEP, CUT.page, this.#after, maxMessages, maxBytes, since(maxIdleMs)])
      if (step.after !== this.#after) looked += CUT.page
      this.#after = step.more ? step.after : ''
      total += step.deleted
      more = step.more
    }
    for (let more = boundsAll(caps); more; ) {
      const step = await this.#step([now, PURGE_STEP, 0, '', totalMessages, totalBytes, since(maxLifetimeMs)])
      total += step.deleted
      more = step.more
    }
    return total
  }

  async #step(args: readonly (number | string | undefined)[]): Promise<Step> {
    const given = args.map((arg) => `${arg ?? ''}`)
    const [deleted, after, more] = (await this.#write((redis) => redis.dredCut(this.#keys.prefix, ...given))) as [number, string, number]
    return { deleted, after, more: more === 1 }
  }
}

export async function readAccount(redis: ScriptedRedis, { state, channels }: Keys): Promise<StoreAccount> {
  const [[messages, bytes], known] = await Promise.all([redis.hmget(state, 'messages', 'bytes'), redis.zcard(channels)])
  return { messages: Number(messages ?? 0), bytes: Number(bytes ?? 0), channels: known }
}
