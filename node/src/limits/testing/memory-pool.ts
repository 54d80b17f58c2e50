import type { TokenGrant, TokenPool, TokenRequest } from '../port.ts'
import { TokenBucket } from '../token-bucket.ts'

/** What the store's script does, in memory. */
export class MemoryPool implements TokenPool {
  readonly #buckets = new Map<string, TokenBucket>()
  readonly #now: () => number
  /** Asked so often, for so many tokens. */
  calls = 0
  granted = 0
  /** Set to make it fail. */
  away = false

  constructor(now: () => number) {
    this.#now = now
  }

  async take(requests: readonly TokenRequest[]): Promise<TokenGrant[]> {
    this.calls++
    if (this.away) throw new Error('away')
    return requests.map((request) => this.#grant(request))
  }

  #grant({ name, least, want, burst, perSecond }: TokenRequest): TokenGrant {
    const rate = { burst, perSecond }
    const now = this.#now()
    const bucket = this.#buckets.get(name) ?? new TokenBucket(rate, now)
    this.#buckets.set(name, bucket)
    const waitMs = bucket.waitMs(rate, least, now)
    if (waitMs > 0) return { tokens: 0, waitMs }
    const tokens = Math.min(want, bucket.level(rate, now))
    bucket.take(rate, tokens, now)
    this.granted += tokens
    return { tokens, waitMs: 0 }
  }
}
