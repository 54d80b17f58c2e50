import { type Origin, originOf, VersionVector } from '../../version-vector.ts'
import type { OriginRange } from '../frame.ts'
import { HybridClock } from '../hybrid-clock.ts'
import { spt } from '../topologies/spt.ts'
import { learn } from './coordinates.ts'
import { defaultBounds, defaultTimings } from './defaults.ts'
import { Forwarder } from './forwarder.ts'
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
import type {
  CoreFrame,
  Floors,
  Instant,
  RelayBounds,
  RelayCounters,
  RelayEffect,
  RelayEvent,
  RelayOptions,
  RelayTimings,
  WireEntry,
} from './types.ts'
import { Waiting } from './waiting.ts'

/** Counts answered for in one PROBE. */
const MAX_PROBED = 4_096

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
    causalTimeouts: 0,
    blamed: 0,
    demotions: 0,
    forks: 0,
    mismatches: 0,
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
  readonly intake: Intake
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
    this.intake = new Intake(this)
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
    this.#seen(coordinate.server, coordinate.incarnation)
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

  /** @returns the effects of one event */
  step(event: RelayEvent, now: Instant): RelayEffect[] {
    this.now = now
    this.timers.runDue(now.monotonicMs)
    this.#handle(event)
    const nextMs = this.timers.nextMs
    if (nextMs !== this.#wakeMs && nextMs !== Number.POSITIVE_INFINITY) this.emit({ type: 'wake', atMs: nextMs })
    this.#wakeMs = nextMs
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  #handle(event: RelayEvent): void {
    switch (event.type) {
      case 'tick':
        return
      case 'recovered':
        this.#recovered(event)
        return
      case 'store-lost':
        this.storing = false
        this.intake.clear()
        this.waiting.clear()
        this.teller.clear()
        return
      case 'purged':
        this.floors = event.floors
        return
      case 'members':
        this.known = true
        this.router.setMembers(event.members, event.epoch)
        this.latencyRows.membersChanged()
        for (const peer of this.peers.values()) this.links.sayState(peer)
        this.joining.check()
        return
      case 'link-up':
        this.links.up(event.peer)
        return
      case 'link-down':
        this.links.down(event.peer)
        return
      case 'link-queue':
        this.links.queue(event.peer, event.bytes, event.ageMs)
        return
      case 'frame': {
        const peer = this.peers.get(event.peer)
        if (peer) this.#frame(peer, event.frame)
        return
      }
      case 'submitted':
        this.waiting.hold(event.missing, this.timings.admitMs, () => this.emit({ type: 'admit', ticket: event.ticket }))
        return
      case 'appended': {
        const { entry, id } = event
        this.forwarder.cache.add(entry)
        this.took(entry, id, this.self)
        if (entry.coordinate.incarnation !== this.incarnation) return
        this.heads.appended(entry.coordinate.n, id)
        this.ownEntries.appended(entry)
        return
      }
      case 'verified':
        this.intake.verified(event)
        return
      case 'rejected':
        this.intake.rejected(event.coordinate, event.detail)
        return
      case 'unverified':
        this.intake.dropped(event.coordinate)
        return
      case 'stored':
        this.intake.stored(event.coordinate, event.result)
        return
      case 'read':
        if (!this.forwarder.read(event.ticket, event.entries)) this.repair.read(event.ticket, event.entries)
        return
      case 'signed':
        this.#signed(event)
        return
      case 'checked':
        this.#checked(event)
        return
    }
  }

  #frame(peer: Peer, frame: CoreFrame): void {
    this.links.heard(peer)
    switch (frame.type) {
      case 'STATE':
        this.#seen(peer.id, frame.incarnation)
        this.links.state(peer, frame)
        return
      case 'MSG':
        this.intake.message(peer, frame.entry, frame.cover)
        return
      case 'HAVE':
        this.#have(peer, frame)
        return
      case 'PROBE':
        this.#probed(peer, frame)
        return
      case 'WANT':
        for (const range of frame.ranges) this.ownEntries.missed(peer, { ...range, n: range.from })
        this.forwarder.wanted(peer, frame.ranges)
        return
      case 'NO':
        this.forwarder.refused(peer, frame.coordinate)
        return
      case 'PULL':
        this.repair.pull(peer, frame)
        return
      case 'BATCH':
        this.repair.batch(peer, frame.ticket, frame.entries)
        return
      case 'VV':
        this.repair.heard(peer, frame)
        return
      case 'HEAD':
        this.heads.heard(peer, frame)
        return
      case 'LATENCY':
        this.latencyRows.heard(peer, frame.row, frame.signature)
        return
      case 'RECEIPT':
        this.receipts.heard(peer, frame.receipt, frame.signature)
        return
      case 'HOME':
        this.ownEntries.home(frame.coordinate)
        return
      case 'PING':
        this.send(peer, { type: 'PONG', at: frame.at })
        return
      case 'PONG':
        this.links.pong(peer, frame.at)
        return
    }
  }

  #have(peer: Peer, { vector, credit }: Extract<CoreFrame, { type: 'HAVE' }>): void {
    learn(peer.vector, vector)
    if (credit !== undefined) peer.credit = credit
    for (const [name, counts] of Object.entries(vector)) {
      const origin = name as Origin
      this.forwarder.settle(peer, origin)
      this.repair.notice(origin, counts)
    }
    this.ownEntries.heard(peer)
    this.forwarder.weigh(peer)
  }

  /** Says what of this is here, and asks for what is not and does not come by itself. */
  #probed(peer: Peer, { ranges }: Extract<CoreFrame, { type: 'PROBE' }>): void {
    if (!this.storing) return
    const asked = new Map<Origin, number[]>()
    const wanted: OriginRange[] = []
    let left = MAX_PROBED
    for (const { server, incarnation, from, to } of ranges) {
      const origin = originOf({ server, incarnation })
      const counts = asked.get(origin) ?? []
      asked.set(origin, counts)
      for (let n = from; n <= to && left > 0; n++, left--) {
        counts.push(n)
        if (this.vector.has(origin, n) || this.repair.isComing(origin, n)) continue
        const last = wanted.at(-1)
        if (last && last.server === server && last.incarnation === incarnation && last.to === n - 1) last.to = n
        else wanted.push({ server, incarnation, from: n, to: n })
      }
    }
    this.teller.say(peer, asked)
    if (wanted.length === 0) return
    for (const range of wanted) this.repair.expect(peer, range, this.router.answerMs(peer.id))
    this.send(peer, { type: 'WANT', ranges: wanted })
  }

  #signed({ statement, signature }: Extract<RelayEvent, { type: 'signed' }>): void {
    switch (statement.kind) {
      case 'head':
        this.heads.signed({ ...statement.head, signature })
        return
      case 'latency':
        this.latencyRows.signed(statement.row, signature)
        return
      case 'receipt':
        this.receipts.signed(statement.receipt, signature)
        return
    }
  }

  #checked({ peer, statement, signature, valid }: Extract<RelayEvent, { type: 'checked' }>): void {
    if (!valid) {
      this.links.close(peer, 'rejected_entry', `A ${statement.kind} that its server did not sign`)
      return
    }
    switch (statement.kind) {
      case 'head':
        this.heads.signed({ ...statement.head, signature })
        return
      case 'latency':
        this.latencyRows.checked(statement.row, signature)
        return
      case 'receipt':
        this.receipts.checked({ ...statement.receipt, signature })
        return
    }
  }

  #recovered({ vector, floors, incarnation }: Extract<RelayEvent, { type: 'recovered' }>): void {
    this.vector = vector.clone()
    this.floors = floors
    this.incarnation = incarnation
    this.storing = true
    for (const origin of vector.origins) {
      const [server, its] = origin.split('-').map(Number)
      if (server !== undefined && its !== undefined) this.#seen(server, its)
    }
    this.intake.clear()
    this.waiting.clear()
    this.heads.begin()
    this.ownEntries.begin()
    this.repair.start()
    for (const peer of this.peers.values()) {
      this.links.sayState(peer)
      this.repair.say(peer, true)
    }
    this.joining.start()
  }

  #seen(server: number, incarnation: number): void {
    if (incarnation > (this.#incarnations.get(server) ?? 0)) this.#incarnations.set(server, incarnation)
  }
}

export function createRelay(options: RelayOptions): Relay {
  return new Relay(options)
}

/**
 * Tells a relay what happened.
 * @param now never earlier than that of the call before
 * @returns what has to be done about it
 */
export function step(relay: Relay, event: RelayEvent, now: Instant): RelayEffect[] {
  return relay.step(event, now)
}
