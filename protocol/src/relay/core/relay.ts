import { originOf, VersionVector } from '../../version-vector.ts'
import { HybridClock } from '../hybrid-clock.ts'
import { spt } from '../topologies/spt.ts'
import { Answers } from './answers.ts'
import { defaultBounds, defaultTimings } from './defaults.ts'
import { Forwarder } from './forwarder.ts'
import { GoneClaims } from './gone-claims.ts'
import { Heads } from './heads.ts'
import { Intake } from './intake.ts'
import { Joining } from './joining.ts'
import { LatencyRows } from './latency-rows.ts'
import { Links } from './links.ts'
import { OwnEntries } from './own-entries.ts'
import type { Peer } from './peer.ts'
import { Receipts } from './receipts.ts'
import { Repair } from './repair.ts'
import { Router } from './router.ts'
import { Teller } from './teller.ts'
import { Timers } from './timers.ts'
import type { RelayStatement } from '../relay-statements.ts'
import type { CoreFrame, Floors, Instant, RelayBounds, RelayCounters, RelayEffect, RelayOptions, RelayTimings, WireEntry } from './types.ts'
import { Vectors } from './vectors.ts'
import { Waiting } from './waiting.ts'

/** Timers of those who drive a relay, and their arithmetic, are not more precise than this. */
const SOONEST_MS = 1

/** Statements of one peer that are checked between two exchanges of vectors: each costs a signature. */
const CHECKS = 256

/** The state of one server's relay: what its parts share. Only {@link step} changes it. */
export class Relay {
  readonly self: number
  incarnation: number
  readonly timings: RelayTimings
  readonly bounds: RelayBounds
  readonly clock = new HybridClock()
  readonly counters: RelayCounters = {
    bodies: 0,
    duplicates: 0,
    pushed: 0,
    resent: 0,
    probes: 0,
    pulls: 0,
    refused: { quota: 0, ahead: 0 },
    returned: 0,
    causalTimeouts: 0,
    blamed: 0,
    demotions: 0,
    forks: 0,
    mismatches: 0,
    invalid: 0,
  }
  readonly timers = new Timers()
  /** Linked servers by id. */
  readonly peers = new Map<number, Peer>()
  /** What is durable here. */
  vector = new VersionVector()
  floors: Floors = {}
  /** Whether the store is within reach. */
  storing = false
  /** Whether the registry's servers are known. */
  known = false
  now: Instant = { monotonicMs: 0, unixMs: 0 }

  readonly router: Router
  readonly links: Links
  readonly forwarder: Forwarder
  readonly teller: Teller
  readonly waiting: Waiting
  readonly goneClaims: GoneClaims
  readonly intake: Intake
  readonly answers: Answers
  readonly vectors: Vectors
  readonly repair: Repair
  readonly ownEntries: OwnEntries
  readonly heads: Heads
  readonly latencyRows: LatencyRows
  readonly receipts: Receipts
  readonly joining: Joining

  #effects: RelayEffect[] = []
  #ticket = 0
  /** Asked for by the last `wake`. */
  #wakeMs = Number.POSITIVE_INFINITY
  readonly #incarnations = new Map<number, number>()

  constructor({ self, incarnation, topology = spt, timings, bounds }: RelayOptions) {
    this.self = self
    this.incarnation = incarnation
    this.timings = { ...defaultTimings, ...timings }
    this.bounds = { ...defaultBounds, ...bounds }
    this.router = new Router(this, topology)
    this.links = new Links(this)
    this.forwarder = new Forwarder(this)
    this.teller = new Teller(this)
    this.waiting = new Waiting(this)
    this.goneClaims = new GoneClaims(this)
    this.intake = new Intake(this)
    this.answers = new Answers(this)
    this.vectors = new Vectors(this)
    this.repair = new Repair(this)
    this.ownEntries = new OwnEntries(this)
    this.heads = new Heads(this)
    this.latencyRows = new LatencyRows(this)
    this.receipts = new Receipts(this)
    this.joining = new Joining(this)
  }

  emit(effect: RelayEffect): void {
    this.#effects.push(effect)
  }

  send(peer: Peer, frame: CoreFrame, lane: 'live' | 'bulk' = 'live'): void {
    this.#effects.push({ type: 'send', peer: peer.id, frame, lane })
  }

  /** Has a statement checked that a peer handed over, unless it does so without end. */
  check(peer: Peer, statement: RelayStatement, signature: Uint8Array): void {
    if (this.now.monotonicMs - peer.checkedMs >= this.timings.vectorMs) {
      peer.checkedMs = this.now.monotonicMs
      peer.checks = 0
    }
    if (++peer.checks <= CHECKS) this.emit({ type: 'check', peer: peer.id, statement, signature })
  }

  nextTicket(): number {
    return ++this.#ticket
  }

  /** The latest incarnation of a server of which anything is known; 0 for none. */
  latestIncarnation(server: number): number {
    return Math.max(this.#incarnations.get(server) ?? 0, this.peers.get(server)?.incarnation ?? 0)
  }

  /** An entry is durable here. @param id undefined of what is gone */
  took(entry: WireEntry, id: string | undefined, sender: number): void {
    const { coordinate } = entry
    const origin = originOf(coordinate)
    this.seen(coordinate.server, coordinate.incarnation)
    if (entry.kind !== 'gone') this.vector.add(origin, coordinate.n)
    else this.vector.addRange(origin, entry.from, coordinate.n)
    if (entry.kind !== 'gone') this.teller.stored(coordinate)
    if (id !== undefined) {
      this.waiting.arrived(id)
      if (coordinate.server !== this.self) this.heads.stored(origin, coordinate.n, id)
    }
    if (sender !== this.self && entry.kind !== 'gone') this.receipts.stored(sender, origin)
    if (!this.joining.over) this.joining.check()
  }

  /** To be called before an event: runs what became due. */
  begin(now: Instant): void {
    this.now = now
    this.timers.runDue(now.monotonicMs)
  }

  /** The time asked for may have been missed by a little: it is asked for again. */
  rearm(): void {
    this.#wakeMs = Number.POSITIVE_INFINITY
  }

  /** @returns what was emitted since {@link begin} */
  end(): RelayEffect[] {
    const nextMs = this.timers.nextMs
    if (nextMs !== this.#wakeMs && nextMs !== Number.POSITIVE_INFINITY)
      this.emit({ type: 'wake', atMs: Math.max(nextMs, this.now.monotonicMs + SOONEST_MS) })
    this.#wakeMs = nextMs
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  /** An incarnation of a server is known. */
  seen(server: number, incarnation: number): void {
    if (incarnation > (this.#incarnations.get(server) ?? 0)) this.#incarnations.set(server, incarnation)
  }
}

export function createRelay(options: RelayOptions): Relay {
  return new Relay(options)
}
