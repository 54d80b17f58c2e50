import { type Origin, originOf, parseOrigin } from '../../version-vector.ts'
import type { Peer } from './peer.ts'
import type { Relay } from './relay.ts'
import type { WireEntry } from './types.ts'

/** Origins of which it is remembered what one peer said, and how much of each. */
const ORIGINS = 64
const RANGES = 1_024

interface Claim {
  from: number
  to: number
}

/** What peers say is gone. Nobody signs that, so who is not the origin itself is not believed alone. */
export class GoneClaims {
  readonly #relay: Relay
  readonly #said = new WeakMap<Peer, Map<Origin, Claim[]>>()

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** @returns the count up to which it is believed; less than `from` for not at all */
  believed(peer: Peer, { coordinate, from }: Extract<WireEntry, { kind: 'gone' }>): number {
    const { server, incarnation, n } = coordinate
    const { peers, repair } = this.#relay
    const origin = originOf(coordinate)
    const author = peers.get(server)
    if (author !== peer && author?.incarnation === incarnation) {
      // It is linked and says itself what it does not keep.
      if ((author.floors[origin] ?? 0) >= n) return n
      repair.askOrigin(author, { server, incarnation, from, to: n })
      return 0
    }
    if (this.isEnough(peer, origin)) return n
    this.#remember(peer, origin, { from, to: n })
    const others = [...peers.values()].filter((other) => other !== peer)
    if (this.#isGap(origin, n) && !others.some((other) => other.vector.has(origin, n))) return n
    return Math.min(n, Math.max(...others.map((other) => this.#goneUpTo(other, origin, from))))
  }

  /** Whether one peer's word will do: it is the origin, nobody else can be asked, or the origin does not come back with what it kept. */
  isEnough(peer: Peer, origin: Origin): boolean {
    const { peers, router, self } = this.#relay
    const { server } = parseOrigin(origin)
    return peer.id === server || server === self || !router.isMember(server) || peers.size === 1
  }

  /** Whether later messages of the origin are here: who makes up that something before them is gone hides that and no more. */
  #isGap(origin: Origin, n: number): boolean {
    return Math.max(...this.#relay.vector.counts(origin)) > n
  }

  #goneUpTo(peer: Peer, origin: Origin, from: number): number {
    const claims = this.#said.get(peer)?.get(origin) ?? []
    return claims.reduce((upTo, claim) => (claim.from <= from ? Math.max(upTo, claim.to) : upTo), peer.floors[origin] ?? 0)
  }

  #remember(peer: Peer, origin: Origin, claim: Claim): void {
    const said = this.#said.get(peer) ?? new Map<Origin, Claim[]>()
    this.#said.set(peer, said)
    const claims = said.get(origin) ?? []
    said.delete(origin)
    said.set(origin, [...claims.slice(1 - RANGES), claim])
    const [oldest] = said.keys()
    if (said.size > ORIGINS && oldest !== undefined) said.delete(oldest)
  }
}
