/** Waits between attempts that grow exponentially, with full jitter: servers that fail together do not come back together. */
export class Backoff {
  readonly #bounds: { minMs: number; maxMs: number }
  readonly #random: () => number
  #failures = 0

  constructor(bounds: { minMs: number; maxMs: number }, random: () => number = Math.random) {
    this.#bounds = bounds
    this.#random = random
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const { minMs, maxMs } = this.#bounds
    const ceilingMs = Math.min(maxMs, minMs * 2 ** this.#failures)
    this.#failures = Math.min(this.#failures + 1, 30)
    return this.#random() * ceilingMs
  }

  reset(): void {
    this.#failures = 0
  }
}
