import { LRUCache } from 'lru-cache'
import type { PoolClient } from './pool-client.ts'
import { type BucketState, RateLimited } from './rate-limited.ts'
import { type Rate, TokenBucket } from './token-bucket.ts'

/** Keys whose buckets are remembered; of more the one used longest ago is full again. */
const REMEMBERED = 20_000
/** How a bucket is divided between the processes of a server. */
interface Division {
  /** What each process has by itself, so that who asks for little never makes it ask. */
  own: Rate
  /** What all draw from: with the own parts of 16 processes no more than the whole. */
  pooled: Rate
  /** Milliseconds after which tokens of the pool that were not used lapse. */
  leaseMs: number
}

const LEASE_MS = 1_000
/** Least milliseconds after which an empty pool is asked again for the same key. */
const ASK_AGAIN_MS = 50
/** Of a smaller bucket the parts would hold less than one message costs. */
const DIVISIBLE = 64

export interface BucketsOptions {
  /** What the buckets belong to, for names and answers. */
  scope: string
  rate: Rate
  /** Where the other processes of this server draw from. */
  pool?: PoolClient | undefined
  /** Milliseconds of a clock that never goes back. */
  now: () => number
}

interface Entry {
  own: TokenBucket
  /** What is left of what the pool granted, and until when it is good. */
  lease: { tokens: number; until: number; granted: number }
  /** Until when the pool does not have so much. */
  refused: { until: number; count: number }
  /** The pool's part, while the pool is out of reach. */
  instead: TokenBucket | undefined
}

/** One bucket for each key: of this process alone, or of all that draw from one pool. */
export class Buckets {
  readonly #options: BucketsOptions
  readonly #division: Division
  readonly #entries = new LRUCache<string, Entry>({ max: REMEMBERED })

  constructor(options: BucketsOptions) {
    this.#options = options
    this.#division = options.pool ? divide(options.rate) : { own: options.rate, pooled: options.rate, leaseMs: 0 }
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#entries.size
  }

  /**
   * Takes tokens, of more than the bucket can hold all that it can.
   * @returns a promise only when the pool has to be asked
   * @throws RateLimited
   */
  take(key: string, count: number): void | Promise<void> {
    const { pool } = this.#options
    const { own, pooled } = this.#division
    const entry = this.#entry(key)
    const now = this.#options.now()
    const capped = Math.min(count, pooled.burst)
    if (entry.own.take(own, capped, now)) return undefined
    if (!pool) throw this.#refusal(entry.own.waitMs(own, capped, now))
    const { lease } = entry
    if (now < lease.until && lease.tokens >= capped) {
      lease.tokens -= capped
      return undefined
    }
    return pool.isAway ? this.#takeInstead(entry, capped) : this.#takeFromPool(pool, { key, entry, count: capped })
  }

  /** Gives back what was taken and not used. */
  give(key: string, count: number): void {
    const { own, pooled } = this.#division
    this.#entries.get(key)?.own.give(own, Math.min(count, pooled.burst), this.#options.now())
  }

  /** Takes as many of these tokens as this process has: for what was done already. */
  spend(key: string, count: number): void {
    const { own } = this.#division
    const now = this.#options.now()
    const entry = this.#entry(key)
    const level = entry.own.level(own, now)
    entry.own.take(own, Math.min(level, count), now)
    entry.lease.tokens = Math.max(0, entry.lease.tokens - Math.max(0, count - level))
  }

  /** As far as this process knows. */
  state(key: string): BucketState {
    const { rate, now } = this.#options
    const { own } = this.#division
    const entry = this.#entries.peek(key)
    const share = entry && own.burst > 0 ? entry.own.level(own, now()) / own.burst : 1
    return {
      limit: rate.burst,
      remaining: Math.floor(rate.burst * share),
      resetSeconds: Math.ceil((rate.burst * (1 - share)) / rate.perSecond),
    }
  }

  #entry(key: string): Entry {
    const known = this.#entries.get(key)
    if (known) return known
    const entry: Entry = {
      own: new TokenBucket(this.#division.own, this.#options.now()),
      lease: { tokens: 0, until: 0, granted: 0 },
      refused: { until: 0, count: 0 },
      instead: undefined,
    }
    this.#entries.set(key, entry)
    return entry
  }

  async #takeFromPool(pool: PoolClient, { key, entry, count }: { key: string; entry: Entry; count: number }): Promise<void> {
    const { scope, now } = this.#options
    const { pooled, leaseMs } = this.#division
    const askedAt = now()
    if (askedAt < entry.refused.until && count >= entry.refused.count) throw this.#refusal(entry.refused.until - askedAt)
    const grant = await pool.ask({ name: `${scope}:${key}`, least: count, want: count + this.#ahead(entry, askedAt), ...pooled })
    if (!grant) return this.#takeInstead(entry, count)
    if (grant.tokens === 0) {
      entry.refused = { until: now() + Math.max(grant.waitMs, ASK_AGAIN_MS), count }
      throw this.#refusal(grant.waitMs)
    }
    const rest = grant.tokens - count
    if (rest > 0) entry.lease = { tokens: rest, granted: rest, until: askedAt + leaseMs }
  }

  /** What a lease will be used for if it goes on like the one before, so that a busy key asks seldom and little lapses. */
  #ahead({ lease }: Entry, now: number): number {
    const { pooled, leaseMs } = this.#division
    if (leaseMs === 0) return 0
    const heldMs = Math.min(Math.max(1, now - lease.until + leaseMs), leaseMs)
    const used = now < lease.until + leaseMs ? lease.granted - lease.tokens : 0
    return Math.min(Math.max(1, Math.min(2 * lease.granted, (used * leaseMs) / heldMs)), pooled.burst / 4)
  }

  /** Nobody can be asked: better too much than nothing. */
  #takeInstead(entry: Entry, count: number): void {
    const { pooled } = this.#division
    const now = this.#options.now()
    entry.instead ??= new TokenBucket(pooled, now)
    if (!entry.instead.take(pooled, count, now)) throw this.#refusal(entry.instead.waitMs(pooled, count, now))
  }

  #refusal(waitMs: number): RateLimited {
    const { scope, rate } = this.#options
    const state = { limit: rate.burst, remaining: 0, resetSeconds: Math.ceil(rate.burst / rate.perSecond) }
    const detail = `The bucket "${scope}" is empty: ${rate.perSecond} tokens a second come back`
    return new RateLimited(detail, { waitMs, limit: scope, bucket: state })
  }
}

/** What is used of a lease may have come back to the pool since it was granted: so much less does the pool hold. */
function divide(rate: Rate): Division {
  if (rate.burst < DIVISIBLE) return { own: { ...rate, burst: 0 }, pooled: rate, leaseMs: 0 }
  const pooled = part(rate, 3 / 4)
  const leaseMs = Math.min(LEASE_MS, (pooled.burst / pooled.perSecond / 2) * 1_000)
  return { own: part(rate, 1 / 64), pooled: { ...pooled, burst: pooled.burst - (pooled.perSecond * leaseMs) / 1_000 }, leaseMs }
}

function part({ burst, perSecond }: Rate, share: number): Rate {
  return { burst: burst * share, perSecond: perSecond * share }
}
