import type { SignedGenesis } from '@dred/protocol'
import type { ChannelQuery } from './port.ts'

/** Channels that one call looks at: its work is bounded, whatever it finds. */
const LOOKED_AT = 1_000
const LEAST_BATCH = 100

interface Candidate {
  id: string
  /** Undefined for a channel that went away in between. */
  genesis: SignedGenesis | undefined
}

/** Picks channels for a list out of what an adapter reads in ascending order of id. */
export class ChannelScan<T extends Candidate> {
  readonly found: T[] = []
  /** Where to go on: the id looked at last, undefined at the end. */
  next: string | undefined
  /** How many candidates to read at once. */
  readonly batch: number
  readonly #limit: number
  readonly #name: string | undefined
  #looked = 0

  /** @param after where to begin */
  constructor({ limit, name }: ChannelQuery, after: string | undefined) {
    this.next = after
    this.batch = Math.max(limit + 1, LEAST_BATCH)
    this.#limit = limit
    this.#name = name?.toLowerCase()
  }

  /**
   * @param candidates those after {@link next}: fewer than a batch at the end
   * @returns whether to read on
   */
  offer(candidates: readonly T[]): boolean {
    for (const candidate of candidates) {
      if (this.found.length === this.#limit || this.#looked === LOOKED_AT) return false
      this.#looked++
      this.next = candidate.id
      if (this.#isListed(candidate.genesis)) this.found.push(candidate)
    }
    if (candidates.length === this.batch) return true
    this.next = undefined
    return false
  }

  #isListed(genesis: SignedGenesis | undefined): boolean {
    if (!genesis || genesis.access === 'members') return false
    return this.#name === undefined || genesis.name?.toLowerCase().includes(this.#name) === true
  }
}
