import type { LatencyRow } from '../relay-statements.ts'
import { decodeRoundTrip, encodeRoundTrip } from '../round-trip.ts'
import type { Peer } from './peer.ts'
import type { Relay } from './relay.ts'
import { Timer } from './timers.ts'

/** Between two rows because of changes. */
const CHANGED_MS = 5_000

interface SignedRow {
  row: LatencyRow
  signature: Uint8Array
}

/** What every server measures to the others, signed, so that each can compute the whole tree. */
export class LatencyRows {
  readonly #relay: Relay
  readonly #rows = new Map<number, SignedRow>()
  /** Of peers, in the order of a list that is not known here yet. */
  readonly #early = new Map<number, SignedRow & { peer: number }>()
  readonly #publish = new Timer(() => this.#sign())
  #published = Number.NEGATIVE_INFINITY

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** A round trip was measured, or a link came or went. */
  changed(): void {
    const { router, timers, timings, now } = this.#relay
    const waitMs = router.latencies.changed() ? CHANGED_MS : timings.latencyRowMs
    timers.by(this.#publish, Math.max(now.monotonicMs + 1, this.#published + waitMs))
  }

  /** The registry's list changed, and with it the order of rows. */
  membersChanged(): void {
    const { timers, now, peers } = this.#relay
    timers.by(this.#publish, now.monotonicMs + CHANGED_MS)
    const early = [...this.#early.values()]
    this.#early.clear()
    for (const { peer, row, signature } of early) {
      const linked = peers.get(peer)
      if (linked) this.heard(linked, row, signature)
    }
  }

  signed(row: LatencyRow, signature: Uint8Array): void {
    this.#rows.set(row.server, { row, signature })
    for (const peer of this.#relay.peers.values()) this.#relay.send(peer, { type: 'LATENCY', row, signature })
  }

  heard(peer: Peer, row: LatencyRow, signature: Uint8Array): void {
    const { self, router, now, bounds } = this.#relay
    const known = this.#rows.get(row.server)?.row
    if (row.server === self || (known && known.clock >= row.clock)) return
    if (row.epoch !== router.epoch) {
      // The peer may have read a newer block.
      if (row.server === peer.id) this.#early.set(peer.id, { peer: peer.id, row, signature })
      return
    }
    if (row.clock > now.unixMs + bounds.aheadMs) return
    this.#relay.check(peer, { kind: 'latency', row }, signature)
  }

  /** A row turned out to be its server's. */
  checked(row: LatencyRow, signature: Uint8Array): void {
    const { router } = this.#relay
    const known = this.#rows.get(row.server)?.row
    if (row.epoch !== router.epoch || row.roundTrips.length !== router.members.length || (known && known.clock >= row.clock)) return
    this.#rows.set(row.server, { row, signature })
    router.latencies.learn(row.server, row.clock, roundTripsOf(row, router.members))
  }

  /** The own row, to a new peer: it gets others' from themselves, or by {@link passOn}. */
  tell(peer: Peer): void {
    const own = this.#rows.get(this.#relay.self)
    if (own && own.row.epoch === this.#relay.router.epoch) this.#relay.send(peer, { type: 'LATENCY', ...own })
  }

  /** Rows of servers that a peer is not linked to, which it gets from nobody else. */
  passOn(peer: Peer): void {
    const its = this.#rows.get(peer.id)
    if (!its) return
    const linked = roundTripsOf(its.row, this.#relay.router.members)
    for (const { row, signature } of this.#rows.values()) {
      if (row.server !== peer.id && row.epoch === this.#relay.router.epoch && !linked.has(row.server))
        this.#relay.send(peer, { type: 'LATENCY', row, signature })
    }
  }

  #sign(): void {
    const { self, router, now, timers, timings } = this.#relay
    this.#published = now.monotonicMs
    timers.by(this.#publish, now.monotonicMs + timings.latencyRowMs)
    if (!router.isMember(self)) return
    const own = router.latencies.ownRow()
    router.latencies.published()
    const roundTrips = Uint8Array.from(router.members, (id) => {
      const ms = own.get(id)
      return ms === undefined ? 0 : encodeRoundTrip(ms)
    })
    this.#relay.emit({
      type: 'sign',
      statement: { kind: 'latency', row: { server: self, clock: now.unixMs, epoch: router.epoch, roundTrips } },
    })
  }
}

function roundTripsOf({ roundTrips }: LatencyRow, members: readonly number[]): Map<number, number> {
  const byId = new Map<number, number>()
  for (const [i, id] of members.entries()) {
    const roundTripMs = decodeRoundTrip(roundTrips[i] ?? 0)
    if (roundTripMs !== undefined) byId.set(id, roundTripMs)
  }
  return byId
}
