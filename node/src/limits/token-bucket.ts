/** How many tokens a bucket holds at most, and how many come back in a second. */
export interface Rate {
  burst: number
  perSecond: number
}

/** Holds up to `burst` tokens, full at first; in no stretch of `t` seconds more than `burst + t * perSecond` are taken out of it. */
export class TokenBucket {
  #tokens: number
  #at: number

  /** @param now milliseconds of a clock that never goes back, here and below */
  constructor({ burst }: Rate, now: number) {
    this.#tokens = burst
    this.#at = now
  }

  /** @returns whether there were enough; otherwise nothing is taken */
  take(rate: Rate, count: number, now: number): boolean {
    const level = this.level(rate, now)
    if (level < count) return false
    this.#tokens = level - count
    this.#at = now
    return true
  }

  /** Gives back what was taken and not used. */
  give(rate: Rate, count: number, now: number): void {
    this.#tokens = Math.min(rate.burst, this.level(rate, now) + count)
    this.#at = now
  }

  level({ burst, perSecond }: Rate, now: number): number {
    return Math.min(burst, this.#tokens + (Math.max(0, now - this.#at) * perSecond) / 1_000)
  }

  /** Milliseconds until so many are there: Infinity for more than the bucket holds. */
  waitMs(rate: Rate, count: number, now: number): number {
    if (count > rate.burst) return Number.POSITIVE_INFINITY
    return Math.max(0, ((count - this.level(rate, now)) / rate.perSecond) * 1_000)
  }
}
