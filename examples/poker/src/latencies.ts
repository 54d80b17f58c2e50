const RESOLUTION_MS = 0.01

/** Measured durations, kept to a hundredth of a millisecond: percentiles are exact at that resolution. */
export class Latencies {
  readonly #counts = new Map<number, number>()
  #total = 0

  /** @param durationMs milliseconds */
  add(durationMs: number): void {
    const bin = Math.round(durationMs / RESOLUTION_MS)
    this.#counts.set(bin, (this.#counts.get(bin) ?? 0) + 1)
    this.#total++
  }

  merge(other: Latencies): void {
    for (const [bin, count] of other.#counts) this.#counts.set(bin, (this.#counts.get(bin) ?? 0) + count)
    this.#total += other.#total
  }

  /**
   * The smallest measured value, in milliseconds, that `percent` of all values do not exceed (nearest rank).
   * @returns null when nothing was measured
   */
  percentile(percent: number): number | null {
    const rank = Math.max(1, Math.ceil((percent / 100) * this.#total))
    let passed = 0
    for (const [bin, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      passed += count
      if (passed >= rank) return Number((bin * RESOLUTION_MS).toFixed(2))
    }
    return null
  }
}
