import type { Coordinate } from '../../schemas.ts'
import { type Origin, originOf } from '../../version-vector.ts'
import type { OriginRange } from '../frame.ts'
import { keyOf } from './coordinates.ts'
import type { Peer } from './peer.ts'
import type { Relay } from './relay.ts'
import type { CoreFrame, WireEntry } from './types.ts'

/** Counts answered for in one PROBE, and entries sent for one WANT and for one PULL. */
const MAX_PROBED = 4_096
const MAX_WANTED = 64
const MAX_PULLED = 512
/** A BATCH of more goes on the second stream. */
const FEW = 16

interface Reading {
  peer: number
  /** Of the PULL; undefined for a WANT. */
  ticket: number | undefined
}

/** Answers what peers ask for. */
export class Answers {
  readonly #relay: Relay
  readonly #readings = new Map<number, Reading>()

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** Says what of this is here, and asks for what is not and does not come by itself. */
  probe(peer: Peer, ranges: readonly OriginRange[]): void {
    const { storing, vector, repair, teller, router } = this.#relay
    if (!storing) return
    const asked = new Map<Origin, number[]>()
    const wanted: OriginRange[] = []
    let left = MAX_PROBED
    for (const { server, incarnation, from, to } of ranges) {
      if (left === 0) break
      const origin = originOf({ server, incarnation })
      const counts = asked.get(origin) ?? []
      asked.set(origin, counts)
      for (let n = from; n <= to && left > 0; n++, left--) {
        counts.push(n)
        if (vector.has(origin, n) || repair.isComing(origin, n)) continue
        const last = wanted.at(-1)
        if (last && last.server === server && last.incarnation === incarnation && last.to === n - 1) last.to = n
        else wanted.push({ server, incarnation, from: n, to: n })
      }
    }
    teller.say(peer, asked)
    if (wanted.length === 0) return
    for (const range of wanted) repair.expected.add(peer, range, router.answerMs(peer.id))
    this.#relay.send(peer, { type: 'WANT', ranges: wanted })
  }

  want(peer: Peer, ranges: readonly OriginRange[]): void {
    let left = MAX_WANTED
    for (const { server, incarnation, from, to } of ranges) {
      for (let n = from; n <= to && left > 0; n++, left--) {
        const coordinate = { server, incarnation, n }
        if (!this.#relay.vector.has(originOf(coordinate), n)) continue
        this.#relay.ownEntries.missed(peer, coordinate)
        this.#give(peer, coordinate)
      }
    }
  }

  pull(peer: Peer, { ticket, to, ...range }: Extract<CoreFrame, { type: 'PULL' }>): void {
    const last = Math.min(to, range.from + MAX_PULLED - 1)
    this.#read({ peer: peer.id, ticket }, { server: range.server, incarnation: range.incarnation, from: range.from, to: last })
  }

  /** What was read for an answer. */
  read(ticket: number, entries: readonly WireEntry[]): void {
    const reading = this.#readings.get(ticket)
    this.#readings.delete(ticket)
    const peer = reading && this.#relay.peers.get(reading.peer)
    if (!peer) return
    if (reading.ticket === undefined) for (const entry of entries) this.#relay.forwarder.resend(peer, entry)
    else this.#relay.send(peer, { type: 'BATCH', ticket: reading.ticket, entries }, entries.length > FEW ? 'bulk' : 'live')
  }

  #give(peer: Peer, coordinate: Coordinate): void {
    const { forwarder } = this.#relay
    const cached = forwarder.cache.get(keyOf(coordinate))
    const { server, incarnation, n } = coordinate
    if (cached) forwarder.resend(peer, cached)
    else this.#read({ peer: peer.id, ticket: undefined }, { server, incarnation, from: n, to: n })
  }

  #read(reading: Reading, range: OriginRange): void {
    const ticket = this.#relay.nextTicket()
    this.#readings.set(ticket, reading)
    this.#relay.emit({ type: 'read', ticket, ...range, limit: range.to - range.from + 1 })
  }
}
