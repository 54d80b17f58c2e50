import { RateLimited } from './rate-limited.ts'

export interface SharesOptions {
  /** What is shared, for the answer: `requests`, `bytes of bodies`. */
  what: string
  /** How much of it there is, and how much of that one address may hold. */
  total: number
  perAddress: number
}

/** Something that there is only so much of at one time: who holds it gives it back. */
export class Shares {
  readonly #options: SharesOptions
  readonly #held = new Map<string, number>()
  #total = 0

  constructor(options: SharesOptions) {
    this.#options = options
  }

  /** How much is held, and by how many. */
  get held(): { total: number; keys: number } {
    return { total: this.#total, keys: this.#held.size }
  }

  of(key: string): number {
    return this.#held.get(key) ?? 0
  }

  /** @throws RateLimited when this much more does not fit */
  assertRoom(key: string, amount: number): void {
    const { what, total, perAddress } = this.#options
    if (this.of(key) + amount > perAddress) throw tooMany(`Too many ${what} from one address at once: at most ${perAddress}`)
    if (this.#total + amount > total) throw tooMany(`Too many ${what} at once`)
  }

  /** Takes without asking. @returns gives it back; to be called once */
  hold(key: string, amount: number): () => void {
    this.#add(key, amount)
    return () => this.#add(key, -amount)
  }

  /** @throws RateLimited */
  take(key: string, amount: number): () => void {
    this.assertRoom(key, amount)
    return this.hold(key, amount)
  }

  #add(key: string, amount: number): void {
    this.#total += amount
    const held = this.of(key) + amount
    if (held > 0) this.#held.set(key, held)
    else this.#held.delete(key)
  }
}

function tooMany(detail: string): RateLimited {
  return new RateLimited(detail, { waitMs: 1_000, limit: 'at_once' })
}
