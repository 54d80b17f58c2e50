import { type Origin, originOf, parseOrigin, type VersionVectorData } from '../../version-vector.ts'
import type { OriginRange } from '../frame.ts'
import { rangesOf } from './coordinates.ts'
import { Expected } from './expected.ts'
import type { Peer } from './peer.ts'
import type { Relay } from './relay.ts'
import { Timer } from './timers.ts'
import type { WireEntry } from './types.ts'

/** So few missing entries are asked for by WANT and come live; more are pulled. */
const FEW = 16
const PULL_ENTRIES = 512
/** Counts looked at at once: what lies beyond is looked at when these are here. */
const LOOK_AHEAD = 2_048

/** Origins of which something that one peer has is missing at a time. */
const MAX_WANTED = 1_024
/** Milliseconds until a peer is believed again that this server counted more than it knows: twice as long each time. */
const OUTGROW_MS = 1_000
const MAX_OUTGROW_MS = 600_000
/** A clock that was set back by more is not believed. */
const MAX_AHEAD_MS = 86_400_000

interface Lack {
  /** What somebody had when it was noticed. */
  upTo: number
  beyond: readonly number[]
  /** Who had it. */
  peer: Peer
}

interface Wanted extends Lack {
  /** When, monotonic ms: what others are heard to have in the same moment is added. */
  sinceMs: number
  timer: Timer
}

interface Pull {
  peer: Peer
  origin: Origin
  range: OriginRange
  /** What it is a part of. */
  wanted: Lack
  timer: Timer
}

/** Finds what others have and this server lacks, and gets it: from digests, confirmations and version vectors. */
export class Repair {
  readonly expected: Expected
  readonly #relay: Relay
  readonly #wanted = new Map<Origin, Wanted>()
  readonly #pulls = new Map<number, Pull>()
  /** Until when a peer is not believed that this server counted more than it knows, and how often it was. */
  readonly #outgrown = new Map<number, { untilMs: number; times: number }>()

  constructor(relay: Relay) {
    this.#relay = relay
    this.expected = new Expected(relay)
  }

  /** A peer has this. What is missing of it is got, unless it comes in the meantime. */
  notice(peer: Peer, origin: Origin, [upTo, ...beyond]: VersionVectorData[Origin]): void {
    const { vector, self, incarnation, timings, now, intake } = this.#relay
    const known = this.#wanted.get(origin)
    if (known ? known.sinceMs < now.monotonicMs : peer.wanted >= MAX_WANTED) return
    const at = parseOrigin(origin)
    if (at.server === self && at.incarnation >= incarnation) {
      if (at.incarnation > incarnation || Math.max(upTo, ...beyond) > vector.watermark(origin)) this.outgrow(peer, at.incarnation)
      return
    }
    const lacking = beyond.filter((n) => !vector.has(origin, n))
    if ((vector.watermark(origin) >= upTo && lacking.length === 0) || !intake.hasRoom(origin)) return
    if (known) {
      known.upTo = Math.max(known.upTo, upTo)
      known.beyond = [...new Set([...known.beyond, ...lacking])]
    } else this.#want(origin, { peer, upTo, beyond: lacking }, timings.graceMs)
  }

  /** A peer says that this server counted, in a time that it does not remember, beyond what it knows. */
  outgrow({ id }: Peer, incarnation: number): void {
    const { storing, now } = this.#relay
    const before = this.#outgrown.get(id) ?? { untilMs: 0, times: 0 }
    // A peer must not drive the count of incarnations to its end.
    if (!storing || incarnation > now.unixMs + MAX_AHEAD_MS || before.untilMs > now.monotonicMs) return
    const untilMs = now.monotonicMs + Math.min(OUTGROW_MS * 2 ** before.times, MAX_OUTGROW_MS)
    this.#outgrown.set(id, { untilMs, times: before.times + 1 })
    this.#relay.emit({ type: 'outgrow', incarnation })
  }

  batch(peer: Peer, ticket: number, entries: readonly WireEntry[]): void {
    const pull = this.#pulls.get(ticket)
    if (!pull || pull.peer !== peer) return
    const { range } = pull
    const foreign = entries.some((entry) => {
      const { server, incarnation, n } = entry.coordinate
      const from = entry.kind === 'gone' ? entry.from : n
      return server !== range.server || incarnation !== range.incarnation || from < range.from || n > range.to
    })
    if (foreign) {
      this.#relay.links.close(peer.id, 'unexpected_frame', 'A BATCH with entries that were not asked for')
      return
    }
    this.#end(ticket, pull)
    const taken = entries.filter((entry) => this.#relay.intake.pulled(peer, entry))
    if (taken.length === 0) this.#refused(peer, pull.origin)
    this.#goOn(pull)
  }

  /** A link is gone, and with it what was asked for on it. */
  forget(peer: Peer): void {
    for (const [ticket, pull] of this.#pulls) {
      if (pull.peer !== peer) continue
      this.#end(ticket, pull)
      this.#goOn(pull)
    }
    this.expected.forget(peer)
  }

  /** Whether an entry may come by itself. */
  isComing(origin: Origin, n: number): boolean {
    return this.#relay.intake.has(origin, n) || this.expected.has(origin, n)
  }

  /** What a peer says is gone is asked of its origin itself. */
  askOrigin(author: Peer, range: OriginRange): void {
    const origin = originOf(range)
    if (author.pulls >= this.#relay.bounds.pulls || this.#wasAsked(author, origin)) return
    this.#pullFrom(author, range, this.#wanted.get(origin) ?? { peer: author, upTo: range.to, beyond: [] })
  }

  #want(origin: Origin, { peer, upTo, beyond }: Lack, inMs: number): void {
    const { timers, now } = this.#relay
    this.#unwant(origin)
    const wanted: Wanted = { peer, upTo, beyond, sinceMs: now.monotonicMs, timer: new Timer(() => this.#get(origin)) }
    this.#wanted.set(origin, wanted)
    peer.wanted++
    timers.set(wanted.timer, now.monotonicMs + inMs)
  }

  #unwant(origin: Origin): Wanted | undefined {
    const wanted = this.#wanted.get(origin)
    if (!wanted) return undefined
    this.#wanted.delete(origin)
    wanted.peer.wanted--
    this.#relay.timers.clear(wanted.timer)
    return wanted
  }

  /** Gets the rest of what a pull was a part of, without waiting: it was noticed long enough ago. */
  #goOn({ origin, wanted }: Pull): void {
    this.#want(origin, wanted, 1)
  }

  #get(origin: Origin): void {
    const wanted = this.#unwant(origin)
    const { bounds, intake, peers, storing } = this.#relay
    if (!wanted || !storing) return
    if (intake.bytes < bounds.pendingBytes / 2) {
      const few = this.#missing(origin, wanted, FEW + 1)
      if (few.length <= FEW) this.#askFor(origin, rangesOf(origin, few))
      else if (this.#mayPull(origin))
        for (const range of rangesOf(origin, this.#missing(origin, wanted, LOOK_AHEAD))) this.#pull(origin, range, wanted)
    }
    for (const peer of peers.values()) this.notice(peer, origin, peer.vector.counts(origin))
  }

  /** @param most counts */
  #missing(origin: Origin, { upTo, beyond }: Wanted, most: number): number[] {
    const { vector } = this.#relay
    const from = vector.watermark(origin) + 1
    const last = from + LOOK_AHEAD
    const missing: number[] = []
    const look = (n: number): void => {
      if (!vector.has(origin, n) && !this.isComing(origin, n)) missing.push(n)
    }
    for (let n = from; n <= Math.min(upTo, last) && missing.length < most; n++) look(n)
    for (const n of beyond) if (n > upTo && n <= last && missing.length < most) look(n)
    return missing
  }

  /** Whether somebody who knows an origin can be asked for much of it now. */
  #mayPull(origin: Origin): boolean {
    const { peers, bounds } = this.#relay
    return [...peers.values()].some((peer) => peer.pulls < bounds.pulls && peer.vector.knows(origin) && !this.#wasAsked(peer, origin))
  }

  #askFor(origin: Origin, ranges: readonly OriginRange[]): void {
    const byPeer = new Map<Peer, OriginRange[]>()
    for (const { from, to, ...at } of ranges) {
      for (let n = from; n <= to; n++) {
        const peer = this.#holder(origin, n)
        if (!peer) {
          this.#giveUp(origin, n, to)
          continue
        }
        const wants = byPeer.get(peer) ?? []
        byPeer.set(peer, wants)
        const last = wants.at(-1)
        if (last?.to === n - 1) last.to = n
        else wants.push({ ...at, from: n, to: n })
      }
    }
    for (const [peer, wants] of byPeer) {
      for (const range of wants) this.expected.add(peer, range, this.#relay.router.answerMs(peer.id))
      this.#refused(peer, origin)
      this.#relay.counters.pulls++
      this.#relay.send(peer, { type: 'WANT', ranges: wants })
    }
  }

  #pull(origin: Origin, range: OriginRange, wanted: Lack): void {
    const { bounds } = this.#relay
    const peer = this.#holder(origin, range.from, (holder) => holder.pulls < bounds.pulls && !this.#wasAsked(holder, origin))
    if (!peer) {
      this.#giveUp(origin, range.from, range.to)
      return
    }
    this.#pullFrom(peer, { ...range, to: Math.min(range.to, Math.max(peer.vector.watermark(origin), range.from)) }, wanted)
  }

  #pullFrom(peer: Peer, { to, ...from }: OriginRange, wanted: Lack): void {
    const { router, timings, timers, now } = this.#relay
    const origin = originOf(from)
    const range = { ...from, to: Math.min(to, from.from + PULL_ENTRIES - 1) }
    const ticket = this.#relay.nextTicket()
    const forMs = timings.pullMs + 4 * router.latencies.retransmitMs(peer.id, 0)
    const pull: Pull = {
      peer,
      origin,
      range,
      wanted,
      timer: new Timer(() => {
        this.#end(ticket, pull)
        this.#refused(peer, origin)
        this.#goOn(pull)
      }),
    }
    this.#pulls.set(ticket, pull)
    peer.pulls++
    timers.set(pull.timer, now.monotonicMs + forMs)
    this.expected.add(peer, range, forMs)
    this.#relay.counters.pulls++
    this.#relay.send(peer, { type: 'PULL', ticket, ...range })
  }

  #end(ticket: number, pull: Pull): void {
    this.#relay.timers.clear(pull.timer)
    this.#pulls.delete(ticket)
    pull.peer.pulls--
    this.expected.answered(pull.peer, pull.range)
  }

  /** It was just asked: others come first. */
  #refused(peer: Peer, origin: Origin): void {
    const { now, timings } = this.#relay
    peer.refused.set(origin, now.monotonicMs + timings.retryMs)
  }

  #wasAsked(peer: Peer, origin: Origin): boolean {
    return (peer.refused.get(origin) ?? 0) > this.#relay.now.monotonicMs
  }

  /** The nearest peer that keeps a count; one that was asked for this origin lately only if there is no other. */
  #holder(origin: Origin, n: number, may: (peer: Peer) => boolean = () => true): Peer | undefined {
    const { peers, router } = this.#relay
    let best: { peer: Peer; cost: number } | undefined
    for (const peer of peers.values()) {
      if (peer.suspectMs !== undefined || !peer.vector.has(origin, n) || (peer.floors[origin] ?? 0) >= n || !may(peer)) continue
      const cost = (this.#wasAsked(peer, origin) ? 1e6 : 0) + (router.latencyMs(this.#relay.self, peer.id) ?? 1e5)
      if (!best || cost < best.cost) best = { peer, cost }
    }
    return best?.peer
  }

  /** Nobody can be asked now. If all that have it keep it no longer, it is gone. */
  #giveUp(origin: Origin, n: number, to: number): void {
    const { peers, goneClaims, intake } = this.#relay
    const at = parseOrigin(origin)
    const author = peers.get(at.server)
    const holders = [...peers.values()].filter(
      (peer) => peer.vector.has(origin, n) || (peer === author && peer.incarnation === at.incarnation),
    )
    const [first] = holders
    if (!first || (holders.length === 1 && !goneClaims.isEnough(first, origin))) return
    if (holders.some(({ floors }) => (floors[origin] ?? 0) < n)) return
    const floor = Math.max(...holders.map(({ floors }) => floors[origin] ?? 0))
    intake.gone({ kind: 'gone', coordinate: { ...at, n: Math.min(to, floor) }, from: n })
  }
}
