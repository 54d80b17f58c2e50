/** Message n belongs to channel n modulo `channels`, subscriber s to channel s / `each`. */
export interface Layout {
  channels: number
  /** Subscribers of each channel. */
  each: number
  /** Most messages. */
  capacity: number
}

/**
 * What was published and who got it. Every subscriber has to get every message of its channel exactly once; only then a measurement counts.
 * Messages are numbered from 0 in the order of preparation.
 */
export class Ledger {
  /** A bit for each message and subscriber. */
  readonly #seen: Uint8Array[]
  readonly #layout: Layout
  readonly #missing: Int32Array
  readonly #acknowledged: Uint8Array
  readonly #sentAt: Float64Array
  #completed: (n: number) => void = () => undefined
  #doubles = 0
  #strangers = 0
  published = 0
  delivered = 0
  /** Messages that are acknowledged and with everybody. */
  complete = 0
  /** Milliseconds from when a message was due until a subscriber had it; kept while there is a list. */
  latencies: number[] | undefined

  constructor(layout: Layout) {
    const { capacity, channels, each } = layout
    this.#layout = layout
    this.#seen = Array.from({ length: channels * each }, () => new Uint8Array(Math.ceil(capacity / 8)))
    this.#missing = new Int32Array(capacity)
    this.#acknowledged = new Uint8Array(capacity)
    this.#sentAt = new Float64Array(capacity)
  }

  onComplete(listener: (n: number) => void): void {
    this.#completed = listener
  }

  /** @param dueMs of `performance.now()`: when it should have been sent, which may be before it was */
  sent(n: number, dueMs: number): void {
    this.published++
    this.#missing[n] = this.#layout.each
    this.#sentAt[n] = dueMs
  }

  acknowledged(n: number): void {
    this.#acknowledged[n] = 1
    if (this.#missing[n] === 0) this.#finish(n)
  }

  received(subscriber: number, n: number): void {
    const seen = this.#seen[subscriber]
    const { channels, each } = this.#layout
    if (!seen || !this.#sentAt[n] || n % channels !== Math.floor(subscriber / each)) {
      this.#strangers++
      return
    }
    const bit = 1 << (n & 7)
    if ((seen[n >> 3] ?? 0) & bit) {
      this.#doubles++
      return
    }
    seen[n >> 3] = (seen[n >> 3] ?? 0) | bit
    this.delivered++
    this.latencies?.push(performance.now() - (this.#sentAt[n] ?? 0))
    const missing = (this.#missing[n] ?? 0) - 1
    this.#missing[n] = missing
    if (missing === 0 && this.#acknowledged[n] === 1) this.#finish(n)
  }

  /** What is wrong once all should be there; undefined when nothing is. */
  problem(): string | undefined {
    const lost = this.published - this.complete
    if (lost === 0 && this.#doubles === 0 && this.#strangers === 0) return undefined
    return `${lost} of ${this.published} messages not acknowledged and delivered to all, ${this.#doubles} deliveries twice, ${this.#strangers} of what nobody sent`
  }

  #finish(n: number): void {
    this.complete++
    this.#completed(n)
  }
}
