import type { Position, Store } from './port.ts'
import type { ScriptedRedis } from './redis-connection.ts'
import type { RedisReader } from './redis-reader.ts'
import type { Keys, Logged } from './redis-records.ts'

type Announce = Parameters<Store['onAppended']>[0]

/** Entries that are announced late; what lies further back is left to whoever reads the store. */
export const FEED_LENGTH = 16_384
/** Entries read at once when catching up. */
const BATCH = 256
/** Milliseconds in which what another process has logged comes by itself. */
const GRACE_MS = 20

export interface RedisFeedListener {
  announce: Announce
  /** More was logged than is announced late: some of it never is. */
  lapsed(): void
}

/**
 * Announces what was logged, by this process and others, once and in log order. Positions have no gaps: one that is not the next shows
 * that something was logged of which nothing came, and this is read from the store first.
 */
export class RedisFeed {
  readonly #keys: Keys
  readonly #reader: RedisReader
  readonly #listener: RedisFeedListener
  /** Logged, but something before it has not been announced. */
  readonly #waiting = new Map<Position, Logged>()
  /** To be called once a position has been announced. */
  readonly #reached = new Map<Position, () => void>()
  #announced = 0
  #heard = 0
  #reading: Promise<void> | undefined

  constructor(keys: Keys, reader: RedisReader, listener: RedisFeedListener) {
    this.#keys = keys
    this.#reader = reader
    this.#listener = listener
  }

  /** The last position heard of: no other entry may get it. */
  get position(): Position {
    return this.#heard
  }

  /** Up to here everything has been announced. */
  get announced(): Position {
    return this.#announced
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

  /** Waits for a moment until everything up to a position has been announced. @returns whether it was */
  async settle(position: Position): Promise<boolean> {
    if (position <= this.#announced) return true
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GRACE_MS)
      const before = this.#reached.get(position)
      this.#reached.set(position, () => {
        before?.()
        clearTimeout(timer)
        resolve()
      })
    })
    this.#reached.delete(position)
    return position <= this.#announced
  }

  /** Announces all up to a position, from the store where need be. One after the other: two calls read nothing twice. */
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
    const lapsed = upTo - this.#announced > FEED_LENGTH
    if (lapsed) this.#listener.lapsed()
    const readTo = lapsed ? upTo - FEED_LENGTH : Math.min(upTo, this.#announced + BATCH)
    const members = lapsed ? [] : await redis.zrangebyscore(this.#keys.order, from, readTo)
    const entries = await this.#reader.entries(
      redis,
      members.map((member) => member.slice(0, member.indexOf('|'))),
    )
    for (const logged of entries.values()) {
      const { position } = logged
      if (position > this.#announced && position <= readTo && !this.#waiting.has(position)) this.#waiting.set(position, logged)
    }
    // Not there: purged meanwhile, or never logged because Redis lost its tail and the positions were skipped.
    for (let position = this.#announced + 1; position <= readTo; position++) {
      if (!this.#waiting.has(position)) this.#pass(position)
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
      this.#listener.announce(logged.entry, logged.place)
      this.#reached.get(next)?.()
    }
  }

  #pass(position: Position): void {
    this.#announced = position
    this.#reached.get(position)?.()
  }
}
