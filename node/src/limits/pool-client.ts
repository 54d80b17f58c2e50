import { setTimeout as delay } from 'node:timers/promises'
import type { TokenGrant, TokenPool, TokenRequest } from './port.ts'

/** Longest time, in milliseconds, that a request waits for the pool; and how long it is not asked again when it did not answer. */
const ANSWER_MS = 250
const AWAY_MS = 1_000

interface Waiting {
  request: TokenRequest
  settle: (grant: TokenGrant | undefined) => void
}

/** Asks a pool for many at once: what is asked for in one turn of the event loop goes in one step. */
export class PoolClient {
  readonly #pool: TokenPool
  readonly #now: () => number
  #waiting: Waiting[] = []
  #awayUntil = Number.NEGATIVE_INFINITY

  /** @param now milliseconds of a clock that never goes back */
  constructor(pool: TokenPool, now: () => number) {
    this.#pool = pool
    this.#now = now
  }

  get isAway(): boolean {
    return this.#now() < this.#awayUntil
  }

  /** @returns undefined when the pool is out of reach; never rejects */
  ask(request: TokenRequest): Promise<TokenGrant | undefined> {
    if (this.isAway) return Promise.resolve(undefined)
    return new Promise((settle) => {
      if (this.#waiting.length === 0) setImmediate(() => void this.#flush())
      this.#waiting.push({ request, settle })
    })
  }

  async #flush(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    const grants = await this.#take(waiting.map(({ request }) => request))
    if (!grants) this.#awayUntil = this.#now() + AWAY_MS
    waiting.forEach(({ settle }, i) => settle(grants?.[i]))
  }

  async #take(requests: TokenRequest[]): Promise<TokenGrant[] | undefined> {
    const answered = new AbortController()
    const tooLate = delay(ANSWER_MS, undefined, { ref: false, signal: answered.signal }).catch(() => undefined)
    try {
      return await Promise.race([this.#pool.take(requests), tooLate])
    } catch {
      return undefined
    } finally {
      answered.abort()
    }
  }
}
