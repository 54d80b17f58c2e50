import { type Origin, originOf } from '../../version-vector.ts'
import type { Route } from '../topologies/topology.ts'
import { Heap } from './heap.ts'
import type { Peer, Sent } from './peer.ts'
import type { Relay } from './relay.ts'
import { Timer } from './timers.ts'
import type { BodyEntry, Coordinate } from './types.ts'

/** Own entries whose way is remembered. */
const REMEMBERED = 4_096

/** A confirmation that is this much later than expected, in milliseconds, did not come by the planned way. */
const LATE_MS = 200

interface OwnEntry {
  readonly route: Route
  /** Monotonic ms. */
  readonly sentMs: number
  /** Servers that passed it back as the last on their arc. */
  readonly homes: Set<number>
  /** Servers whose lack of it, or lateness, was put down to somebody. */
  readonly blamed: Set<number>
}

/** Servers behind a peer that confirmed, whose own confirmations are due at a time. */
interface Due {
  readonly coordinate: Coordinate
  readonly members: readonly number[]
  readonly atMs: number
}

/** What clients handed to this server: sent out, followed until every server has confirmed it, counted for the client. */
export class OwnEntries {
  readonly #relay: Relay
  readonly #entries = new Map<number, OwnEntry>()
  readonly #due = new Heap<Due>()
  readonly #overdue = new Timer(() => this.#askOverdue())
  /** Of each server the count up to which it has all of this incarnation. */
  readonly #upTo = new Map<number, number>()
  readonly #confirm = new Timer(() => this.#sayConfirmed())
  #said = ''

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** A new incarnation begins. */
  begin(): void {
    this.#entries.clear()
    this.#due.clear()
    this.#upTo.clear()
    this.#said = ''
    this.confirmSoon()
  }

  /** Says how far entries are stored, if it is not what was said last: servers may have come or gone. */
  confirmSoon(): void {
    const { timers, timings, now } = this.#relay
    timers.by(this.#confirm, now.monotonicMs + timings.ackMs)
  }

  appended(entry: BodyEntry): void {
    const { forwarder, router, now } = this.#relay
    const route = forwarder.forward(entry, router.everybody())
    this.confirmSoon()
    if (!route) return
    const { n } = entry.coordinate
    this.#entries.set(n, { route, sentMs: now.monotonicMs, homes: new Set(), blamed: new Set() })
    this.#entries.delete(n - REMEMBERED)
  }

  /** A peer confirmed what it was sent: the servers behind it have to within a time. */
  settled(peer: Peer, { coordinate, cover }: Sent): void {
    if (coordinate.server !== this.#relay.self || cover.length === 0) return
    const route = this.#entries.get(coordinate.n)?.route
    if (!route) return
    const { timers, timings, now } = this.#relay
    const first = route.delayMs.get(peer.id) ?? 0
    const slowest = Math.max(...cover.map((id) => this.#confirmedAfterMs(route, id)))
    const atMs = now.monotonicMs + slowest - first + timings.haveMs + timings.overdueMs
    this.#due.add({ coordinate, members: cover, atMs })
    timers.by(this.#overdue, atMs)
  }

  /** A peer has said what it has of this server. */
  heard(peer: Peer): void {
    const before = this.#upTo.get(peer.id) ?? 0
    const upTo = peer.vector.watermark(this.#origin)
    if (upTo === before) return
    this.#upTo.set(peer.id, upTo)
    if (upTo > before) this.#judge(peer, upTo)
    this.confirmSoon()
  }

  /** A server did not get one of this server's messages. If who had to serve it has it, that one did not pass it on. */
  missed(peer: Peer, { server, incarnation, n }: Coordinate): void {
    const entry = server === this.#relay.self && incarnation === this.#relay.incarnation ? this.#entries.get(n) : undefined
    if (entry) this.#blame(entry, peer, n)
  }

  /** The last server of an arc has it. */
  home(last: Peer, { server, incarnation, n }: Coordinate): void {
    if (server !== this.#relay.self || incarnation !== this.#relay.incarnation) return
    const entry = this.#entries.get(n)
    if (!entry || entry.homes.has(last.id)) return
    if (entry.homes.add(last.id).size === entry.route.parts.length) {
      this.#relay.counters.returned++
      this.#relay.emit({ type: 'returned', coordinate: { server, incarnation, n } })
    }
  }

  /** Expected milliseconds until a server has it by the tree and this one hears of it by the link between them. */
  #confirmedAfterMs({ delayMs }: Route, server: number): number {
    const thereMs = delayMs.get(server) ?? 0
    const roundTripMs = this.#relay.router.latencies.smoothed(server)
    return thereMs + (roundTripMs === undefined ? thereMs : roundTripMs / 2)
  }

  /** Who had to serve a peer did so, or the peer got it otherwise and late. */
  #judge(peer: Peer, n: number): void {
    const { router, timings, now } = this.#relay
    const entry = this.#entries.get(n)
    const parent = entry?.route.parent.get(peer.id)
    if (!entry || parent === undefined || parent === this.#relay.self) return
    const expectedMs = entry.sentMs + this.#confirmedAfterMs(entry.route, peer.id) + timings.haveMs
    if (now.monotonicMs <= expectedMs + LATE_MS) router.passedOn(parent)
    else this.#blame(entry, peer, n)
  }

  #blame(entry: OwnEntry, peer: Peer, n: number): void {
    const parent = entry.route.parent.get(peer.id)
    if (parent === undefined || parent === this.#relay.self || entry.blamed.has(peer.id)) return
    entry.blamed.add(peer.id)
    if (this.#relay.peers.get(parent)?.vector.has(this.#origin, n) === true) this.#relay.router.failed(parent)
  }

  get #origin(): Origin {
    return originOf({ server: this.#relay.self, incarnation: this.#relay.incarnation })
  }

  #askOverdue(): void {
    const { now, peers, forwarder, timers } = this.#relay
    const byMember = new Map<Peer, Coordinate[]>()
    for (let first = this.#due.first; first && first.atMs <= now.monotonicMs; first = this.#due.first) {
      const { coordinate, members } = first
      const origin = originOf(coordinate)
      for (const member of members) {
        const peer = peers.get(member)
        if (!peer || peer.vector.has(origin, coordinate.n)) continue
        const coordinates = byMember.get(peer)
        if (coordinates) coordinates.push(coordinate)
        else byMember.set(peer, [coordinate])
      }
      this.#due.removeFirst()
    }
    if (this.#due.first) timers.by(this.#overdue, this.#due.first.atMs)
    for (const [peer, coordinates] of byMember) forwarder.probe(peer, coordinates)
  }

  #sayConfirmed(): void {
    const { self, router, vector, incarnation } = this.#relay
    const others = router.members.filter((id) => id !== self).map((id) => this.#upTo.get(id) ?? 0)
    const upTo = [vector.watermark(this.#origin), ...others.sort((a, b) => b - a)]
    const saying = upTo.join()
    if (saying === this.#said) return
    this.#said = saying
    this.#relay.emit({ type: 'confirmed', incarnation, upTo, servers: upTo.length })
  }
}
