import { type Coordinate, parseOrigin, type VersionVector } from '@dred/protocol'
import type { SharedStore } from './processes/port.ts'

/**
 * The name under which this server counts what clients hand it. A new one begins at boot and whenever the store may have lost
 * its tail, so that no coordinate ever stands for two entries.
 */
export class Incarnation {
  readonly #server: number
  readonly #now: () => number
  #current: number
  #shared: SharedStore | undefined

  /**
   * @param known what the store knows: a clock that was set back does not lead to an incarnation that was there before
   * @param now Unix milliseconds
   */
  constructor(server: number, known: VersionVector, now: () => number) {
    this.#server = server
    this.#now = now
    const own = known.origins.map(parseOrigin).filter((origin) => origin.server === server)
    const latest = Math.max(0, ...own.map((origin) => origin.incarnation))
    this.#current = Math.max(now(), latest + 1)
  }

  get self(): Pick<Coordinate, 'server' | 'incarnation'> {
    return { server: this.#server, incarnation: this.#current }
  }

  /** From now on this process counts as the others do that share the store. */
  join(shared: SharedStore): void {
    this.#shared = shared
    if (shared.incarnation > 0) this.#current = shared.incarnation
    shared.onIncarnation((later) => (this.#current = Math.max(later, this.#current)))
  }

  /** The store is back after it was out of reach. One that is shared has seen to it, if it has lost anything. */
  storeBack(): void {
    if (!this.#shared) this.renew()
  }

  /**
   * Begins a new incarnation, later than all before.
   * @param other one that peers know: the store may have been emptied and the clock set back since
   */
  renew(other = 0): void {
    this.#current = Math.max(this.#now(), this.#current + 1, other + 1)
    this.#shared?.begin(this.#current)
  }
}
