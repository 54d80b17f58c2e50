import { type Origin, parseOrigin } from '../../version-vector.ts'
import type { Relay } from './relay.ts'

/** Origins, and counts beyond gaps, that are taken: names are free to invent. */
const MAX_ORIGINS = 8_192
const MAX_EXCEPTIONS = 65_536
/** Incarnations of a linked server for which there is room all the same. */
const INCARNATIONS = 8

/** How much of what is not in order is taken: all servers have to be able to say all that they have. */
export class Room {
  readonly #relay: Relay
  /** Incarnations that linked servers said are theirs, as far as there was no room for others. */
  readonly #present = new Map<number, Set<number>>()

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** Whether one more origin may be taken besides those that are on their way. */
  forOrigin(origin: Origin, coming: number): boolean {
    return this.#relay.vector.size + coming < MAX_ORIGINS || this.#isPresent(origin)
  }

  /** @param more counts beyond a gap of its log */
  forExceptions(origin: Origin, more: number, coming: number): boolean {
    return more === 0 || this.#relay.vector.exceptions + coming + more <= MAX_EXCEPTIONS || this.#isPresent(origin)
  }

  /** Whether a linked server says that it counts as this now, and has not said so of too many. */
  #isPresent(origin: Origin): boolean {
    const { server, incarnation } = parseOrigin(origin)
    if (this.#relay.peers.get(server)?.incarnation !== incarnation) return false
    const present = this.#present.get(server) ?? new Set<number>()
    this.#present.set(server, present)
    if (present.size < INCARNATIONS) present.add(incarnation)
    return present.has(incarnation)
  }
}
