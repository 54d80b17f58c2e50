import type { Position, Store } from './port.ts'
import type { ScriptedRedis } from './redis-connection.ts'
import type { RedisReader } from './redis-reader.ts'
import { FEED_LENGTH, type Keys, type Logged } from './redis-records.ts'

type Announce = Parameters<Store['onAppended']>[0]

/** Entries read at once when catching up. */
const BATCH = 256

/**
 * Announces what was logged once and in log order. Positions have no gaps: an answer whose position is not the next one shows that
 * others were logged whose answers never came, and these are read from the feed first.
 */
export class RedisFeed {
  readonly #keys: Keys
  readonly #reader: RedisReader
  readonly #announce: Announce
  /** Logged, but something before it has not been announced. */
  readonly #waiting = new Map<Position, Logged>()
  #announced = 0
  #heard = 0
  #reading: Promise<void> | undefined

  constructor(keys: Keys, reader: RedisReader, announce: Announce) {
    this.#keys = keys
    this.#reader = reader
    this.#announce = announce
  }

  /** The last position heard of: no other entry may get it. */
  get position(): Position {
    return this.#heard
  }

  /** Begins here: what lies before has been announced by another process, long ago. */
  begin(position: Position): void {
    this.#announced = position
    this.#heard = position
  }

  /**
   * Takes an entry that was logged.
   * @returns whether everything up to it has been announced; otherwise {@link catchUp} is due
   */
  offer(logged: Logged): boolean {
    const { position } = logged
    if (position <= this.#announced) return true
    this.#waiting.set(position, logged)
    this.#heard = Math.max(this.#heard, position)
    this.#pump()
    return position <= this.#announced
  }

  /** Announces all up to a position, from the feed where need be. One after the other: two calls read nothing twice. */
  async catchUp(redis: ScriptedRedis, upTo: Position): Promise<void> {
    this.#heard = Math.max(this.#heard, upTo)
    while (this.#announced < upTo) {
      this.#reading ??= this.#read(redis, upTo).finally(() => {
        this.#reading = undefined
      })
      await this.#reading
    }
  }

  async #read(redis: ScriptedRedis, upTo: Position): Promise<void> {
    const from = this.#announced + 1
    const readTo = Math.min(upTo, this.#announced + BATCH)
    const places = Array.from({ length: readTo - from + 1 }, (_, i) => `${(from + i) % FEED_LENGTH}`)
    const ids = await redis.hmget(this.#keys.feed, ...places)
    const entries = await this.#reader.entries(
      redis,
      ids.filter((id) => id !== null),
    )
    for (const logged of entries.values()) {
      const { position } = logged
      if (position > this.#announced && position <= readTo && !this.#waiting.has(position)) this.#waiting.set(position, logged)
    }
    // Not in the feed: purged meanwhile, or never logged because Redis lost its tail and the positions were skipped.
    for (let position = this.#announced + 1; position <= readTo; position++) {
      if (!this.#waiting.has(position)) this.#announced = position
      this.#pump()
      position = Math.max(position, this.#announced)
    }
  }

  #pump(): void {
    for (let next = this.#announced + 1; ; next++) {
      const logged = this.#waiting.get(next)
      if (!logged) return
      this.#waiting.delete(next)
      this.#announced = next
      this.#announce(logged.entry, logged.place)
    }
  }
}
