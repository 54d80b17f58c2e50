import type { Coordinate } from '../../schemas.ts'
import { type Origin, originOf } from '../../version-vector.ts'
import type { Route } from '../topologies/topology.ts'
import { rangesOfAll, sizeOf } from './coordinates.ts'
import { EntryCache } from './entry-cache.ts'
import type { Peer, Sent } from './peer.ts'
import type { Relay } from './relay.ts'
import type { WireEntry } from './types.ts'

/** Questions after which a peer that answers otherwise is left to the exchange of vectors. */
const MAX_PROBES = 6

/** Counts asked for in one PROBE: so many are answered. */
const MAX_PROBED = 4_096

/** Sends entries on, and makes sure that they arrived: who does not confirm is asked before anything is sent again. */
export class Forwarder {
  readonly cache: EntryCache
  readonly #relay: Relay

  constructor(relay: Relay) {
    this.#relay = relay
    this.cache = new EntryCache(relay.bounds.cacheBytes)
  }

  /** Sends an entry towards the servers of a cover that are not known to have it. */
  forward(entry: WireEntry, cover: readonly number[]): Route | undefined {
    const { peers, router } = this.#relay
    const origin = originOf(entry.coordinate)
    const lacking = cover.filter((id) => this.#lacks(id, entry, origin))
    if (lacking.length === 0) return undefined
    const route = router.route(lacking)
    for (const [id, subCover] of route.parts) {
      const peer = peers.get(id)
      if (peer) this.#send(peer, entry, subCover)
    }
    return route
  }

  /** Asks a peer which of these it has, and sends what it wants. */
  probe(peer: Peer, coordinates: readonly Coordinate[]): void {
    const { now } = this.#relay
    const asked = coordinates.filter((coordinate) => {
      const origin = originOf(coordinate)
      if (peer.vector.has(origin, coordinate.n) || peer.sentOf(origin, coordinate.n)) return false
      this.#remember(peer, { coordinate, cover: [], bytes: 0, dueMs: 0, probes: 1, probedMs: now.monotonicMs })
      return true
    })
    this.#ask(peer, asked)
  }

  /** To be called when a peer has said more: what it has is off the list. */
  settle(peer: Peer, origin: Origin): void {
    const counts = peer.sent.get(origin)
    if (!counts) return
    for (const [n, sent] of counts) {
      if (!peer.vector.has(origin, n)) continue
      peer.forget(origin, n)
      this.#relay.ownEntries.settled(peer, sent)
    }
    this.weigh(peer)
  }

  /** Whether a link takes bodies now; what was not sent is found by digests and vectors. */
  weigh(peer: Peer): void {
    const congested = peer.queued || peer.sentBytes > peer.credit
    if (congested === peer.congested) return
    peer.congested = congested
    if (congested) this.#relay.counters.demotions++
    this.#relay.router.changed()
  }

  refused(peer: Peer, coordinate: Coordinate): void {
    peer.forget(originOf(coordinate), coordinate.n)
    this.weigh(peer)
  }

  /** The time for confirmations of a peer is over. */
  retransmit(peer: Peer): void {
    const { now, links } = this.#relay
    const due: Sent[] = []
    let next = Number.POSITIVE_INFINITY
    for (const counts of peer.sent.values()) {
      for (const sent of counts.values()) {
        if (sent.dueMs <= now.monotonicMs) due.push(sent)
        else next = Math.min(next, sent.dueMs)
      }
    }
    if (next !== Number.POSITIVE_INFINITY) this.#relay.timers.by(peer.timers.retransmit, next)
    if (due.some(({ probes, probedMs }) => probes > 0 && peer.heardMs <= probedMs)) {
      links.suspect(peer)
      this.giveUp(peer)
      return
    }
    for (const sent of due) {
      if (sent.probes >= MAX_PROBES) this.#abandon(peer, sent)
      else this.#due(peer, sent, sent.probes + 1)
    }
    this.#ask(
      peer,
      due.flatMap(({ coordinate, probes }) => (probes > MAX_PROBES ? [] : [coordinate])),
    )
    this.weigh(peer)
  }

  /** A peer is silent or gone: the servers behind it are asked one by one. */
  giveUp(peer: Peer): void {
    const { peers } = this.#relay
    const lost = [...peer.sent.values()].flatMap((counts) => [...counts.values()])
    peer.sent.clear()
    peer.sentBytes = 0
    const byMember = new Map<number, Coordinate[]>()
    for (const { coordinate, cover } of lost) {
      for (const member of cover) {
        const coordinates = byMember.get(member)
        if (coordinates) coordinates.push(coordinate)
        else byMember.set(member, [coordinate])
      }
    }
    for (const [member, coordinates] of byMember) {
      const linked = peers.get(member)
      if (linked && linked !== peer) this.probe(linked, coordinates)
    }
    this.weigh(peer)
  }

  #abandon(peer: Peer, sent: Sent): void {
    sent.probes = MAX_PROBES + 1
    peer.forget(originOf(sent.coordinate), sent.coordinate.n)
    for (const member of sent.cover) {
      const linked = this.#relay.peers.get(member)
      if (linked) this.probe(linked, [sent.coordinate])
    }
  }

  #lacks(id: number, { coordinate }: WireEntry, origin: Origin): boolean {
    const { self, router, peers } = this.#relay
    if (id === self || id === coordinate.server || !router.isMember(id)) return false
    const peer = peers.get(id)
    return !peer || !(peer.vector.has(origin, coordinate.n) || peer.sentOf(origin, coordinate.n))
  }

  #send(peer: Peer, entry: WireEntry, cover: readonly number[]): void {
    const { router, counters } = this.#relay
    const { epoch } = router
    counters.pushed++
    this.#remember(peer, { coordinate: entry.coordinate, cover, bytes: sizeOf(entry), dueMs: 0, probes: 0, probedMs: 0 })
    const named = peer.epoch === epoch && cover.length > 0 ? { epoch } : {}
    this.#relay.send(peer, { type: 'MSG', entry, cover, ...named })
    this.weigh(peer)
  }

  /** Sends a peer what it asked for, with what it was to serve when it was sent before. */
  resend(peer: Peer, entry: WireEntry): void {
    const { coordinate } = entry
    const origin = originOf(coordinate)
    const { cover = [] } = peer.sentOf(origin, coordinate.n) ?? {}
    this.#relay.counters.resent++
    peer.forget(origin, coordinate.n)
    this.#send(
      peer,
      entry,
      cover.filter((id) => this.#lacks(id, entry, origin)),
    )
  }

  #remember(peer: Peer, sent: Sent): void {
    peer.remember(originOf(sent.coordinate), sent)
    this.#due(peer, sent, sent.probes)
  }

  #due(peer: Peer, sent: Sent, probes: number): void {
    const { now, timers, timings, router } = this.#relay
    sent.probes = probes
    if (probes > 0) sent.probedMs = now.monotonicMs
    const waitMs = router.latencies.retransmitMs(peer.id, timings.retransmitMs)
    sent.dueMs = now.monotonicMs + waitMs * 1.5 ** Math.max(0, probes - 1)
    timers.by(peer.timers.retransmit, sent.dueMs)
  }

  #ask(peer: Peer, coordinates: readonly Coordinate[]): void {
    for (let i = 0; i < coordinates.length; i += MAX_PROBED) {
      this.#relay.counters.probes++
      this.#relay.send(peer, { type: 'PROBE', ranges: rangesOfAll(coordinates.slice(i, i + MAX_PROBED)) })
    }
  }
}
