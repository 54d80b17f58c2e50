import type { Coordinate } from '../../schemas.ts'
import { type Origin, originOf } from '../../version-vector.ts'
import { known } from './coordinates.ts'
import type { Peer } from './peer.ts'
import type { Relay } from './relay.ts'
import { Timer } from './timers.ts'
import { type Counts, inParts } from './vectors.ts'

/** Tells peers what is stored here: who sent it, whose it is, and the two neighbors in the ring of ids, which may have missed it. */
export class Teller {
  readonly #relay: Relay
  /** Counts stored since the last digest. */
  #fresh = new Map<Origin, number[]>()
  readonly #digest = new Timer(() => this.#sayDigests())
  readonly #creditSaid = new WeakMap<Peer, number>()

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** Confirms an entry to a peer within a time; confirmations of that time go together. */
  tell(peer: Peer, coordinate: Coordinate, withinMs: number): void {
    add(peer.due, originOf(coordinate), coordinate.n)
    const { timers, now } = this.#relay
    timers.by(peer.timers.tell, now.monotonicMs + withinMs)
  }

  /** An entry was stored. */
  stored(coordinate: Coordinate): void {
    const { peers, timers, timings, now } = this.#relay
    add(this.#fresh, originOf(coordinate), coordinate.n)
    timers.by(this.#digest, now.monotonicMs + timings.digestMs)
    const origin = peers.get(coordinate.server)
    if (origin?.incarnation === coordinate.incarnation) this.tell(origin, coordinate, timings.haveMs)
  }

  /** Says what is due to a peer. */
  flush(peer: Peer): void {
    const { due } = peer
    peer.due = new Map()
    this.say(peer, due)
  }

  /** @param counts of some origins: said is what of them is here, and how far these origins are here without gaps */
  say(peer: Peer, counts: ReadonlyMap<Origin, readonly number[]>): void {
    if (!this.#relay.storing) return
    const said = [...counts].map(([origin, ns]): Counts => [origin, known(this.#relay.vector, origin, ns)])
    const credit = this.credit()
    const changed = credit !== this.#creditSaid.get(peer)
    this.#creditSaid.set(peer, credit)
    for (const part of inParts(said))
      this.#relay.send(peer, { type: 'HAVE', vector: Object.fromEntries(part), ...(changed ? { credit } : {}) })
  }

  /** Bytes that each peer may have on its way here: less while much waits. */
  credit(): number {
    const { bounds, intake } = this.#relay
    return intake.bytes < bounds.pendingBytes / 2 ? bounds.windowBytes : Math.ceil(bounds.windowBytes / 16)
  }

  /** The store is out of reach: what was to be told may be lost. */
  clear(): void {
    this.#fresh.clear()
    for (const peer of this.#relay.peers.values()) peer.due.clear()
  }

  #sayDigests(): void {
    const fresh = this.#fresh
    this.#fresh = new Map()
    for (const peer of this.#hearers()) {
      const lacking = new Map<Origin, number[]>()
      for (const [origin, ns] of fresh) {
        if (origin === originOf({ server: peer.id, incarnation: peer.incarnation })) continue
        const counts = ns.filter((n) => !peer.vector.has(origin, n) && !peer.sentOf(origin, n))
        if (counts.length > 0) lacking.set(origin, counts)
      }
      if (lacking.size > 0) this.say(peer, lacking)
    }
  }

  /** The neighbors, of which one seldom has to tell the other what that one has told, and who gets no messages otherwise. */
  #hearers(): Set<Peer> {
    const { peers, self } = this.#relay
    const linked = [...peers.values()].filter(({ suspectMs }) => suspectMs === undefined).sort((a, b) => a.id - b.id)
    const next = linked.find(({ id }) => id > self) ?? linked[0]
    const previous = linked.findLast(({ id }) => id < self) ?? linked.at(-1)
    const lagging = linked.filter(({ congested, joining }) => congested || joining)
    return new Set([next, previous, ...lagging].flatMap((peer) => peer ?? []))
  }
}

function add(counts: Map<Origin, number[]>, origin: Origin, n: number): void {
  const ns = counts.get(origin)
  if (ns) ns.push(n)
  else counts.set(origin, [n])
}
