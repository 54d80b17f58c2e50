/**
 * A hybrid logical clock: wall time that never goes back or stands still, and that is never behind what was received. Readings
 * are integer microseconds since 1970.
 */
export class HybridClock {
  #last = 0

  /** @returns the next reading: the time, or one more than the last reading where that is later */
  tick(unixMs: number): number {
    this.#last = Math.max(Math.floor(unixMs * 1000), this.#last + 1)
    return this.#last
  }

  /** Makes every later reading later than this one of another server. Who gives it has to see first that it is not far ahead. */
  observe(clock: number): void {
    this.#last = Math.max(clock, this.#last)
  }

  /** @returns milliseconds that a reading is ahead of a time; negative when it is behind */
  aheadMs(clock: number, unixMs: number): number {
    return clock / 1000 - unixMs
  }
}
