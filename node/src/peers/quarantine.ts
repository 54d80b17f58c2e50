/** Peers that sent what no honest server sends, and how long nothing is taken from them: twice as long each time. */
export class Quarantine {
  readonly #bounds: { minMs: number; maxMs: number }
  readonly #now: () => number
  readonly #offences = new Map<number, { count: number; until: number }>()

  /** @param now milliseconds, never going back */
  constructor(bounds: { minMs: number; maxMs: number }, now: () => number = () => performance.now()) {
    this.#bounds = bounds
    this.#now = now
  }

  add(peer: number): void {
    const { minMs, maxMs } = this.#bounds
    const before = this.#offences.get(peer)
    const forgotten = !before || this.#now() > before.until + maxMs
    const count = forgotten ? 1 : before.count + 1
    this.#offences.set(peer, { count, until: this.#now() + Math.min(maxMs, minMs * 2 ** (count - 1)) })
  }

  /** Milliseconds that a peer still has to stay away; 0 for most. */
  remainingMs(peer: number): number {
    return Math.max(0, (this.#offences.get(peer)?.until ?? 0) - this.#now())
  }
}
