import { type Origin, parseOrigin, type VersionVectorData } from '../../version-vector.ts'
import type { OriginRange } from '../frame.ts'
import { rangesOf } from './coordinates.ts'
import type { Peer } from './peer.ts'
import type { Relay } from './relay.ts'
import { Timer } from './timers.ts'
import type { WireEntry } from './types.ts'

/** So few missing entries are asked for by WANT and come live; more are pulled. */
const FEW = 16
const PULL_ENTRIES = 512
/** Counts looked at at once: what lies beyond is looked at when these are here. */
const LOOK_AHEAD = 2_048

/** Origins of which something is missing at a time. */
const MAX_WANTED = 4_096
/** A clock that was set back by more is not believed. */
const MAX_AHEAD_MS = 86_400_000

interface Wanted {
  /** What somebody had when it was noticed. */
  upTo: number
  beyond: readonly number[]
  timer: Timer
}

interface Asked {
  peer: Peer
  from: number
  to: number
  untilMs: number
}

interface Pull {
  peer: Peer
  origin: Origin
  range: OriginRange
  /** What it is a part of. */
  wanted: Wanted
  timer: Timer
}

/** Finds what others have and this server lacks, and gets it: from digests, confirmations and version vectors. */
export class Repair {
  readonly #relay: Relay
  readonly #wanted = new Map<Origin, Wanted>()
  readonly #asked = new Map<Origin, Asked[]>()
  readonly #pulls = new Map<number, Pull>()

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** Somebody has this. What is missing of it is got, unless it comes in the meantime. */
  notice(origin: Origin, [upTo, ...beyond]: VersionVectorData[Origin]): void {
    const { vector, self, incarnation, timers, timings, now, intake } = this.#relay
    if (this.#wanted.has(origin) || this.#wanted.size >= MAX_WANTED) return
    const at = parseOrigin(origin)
    if (at.server === self && at.incarnation >= incarnation) {
      if (at.incarnation > incarnation || Math.max(upTo, ...beyond) > vector.watermark(origin)) this.outgrow(at.incarnation)
      return
    }
    if (vector.watermark(origin) >= upTo && beyond.every((n) => vector.has(origin, n))) return
    if (!intake.hasRoom(origin)) return
    const wanted = { upTo, beyond, timer: new Timer(() => this.#get(origin)) }
    this.#wanted.set(origin, wanted)
    timers.set(wanted.timer, now.monotonicMs + timings.graceMs)
  }

  /** This server counted, in a time that it does not remember, beyond what it knows. */
  outgrow(incarnation: number): void {
    const { storing, now } = this.#relay
    // A peer must not drive the count of incarnations to its end.
    if (storing && incarnation <= now.unixMs + MAX_AHEAD_MS) this.#relay.emit({ type: 'outgrow', incarnation })
  }

  batch(peer: Peer, ticket: number, entries: readonly WireEntry[]): void {
    const pull = this.#pulls.get(ticket)
    if (!pull || pull.peer !== peer) return
    const { range } = pull
    const foreign = entries.some(
      ({ coordinate: { server, incarnation, n } }) =>
        server !== range.server || incarnation !== range.incarnation || n < range.from || n > range.to,
    )
    if (foreign) {
      this.#relay.links.close(peer.id, 'unexpected_frame', 'A BATCH with entries that were not asked for')
      return
    }
    this.#end(ticket, pull)
    if (entries.length === 0) this.#refused(peer, pull.origin)
    for (const entry of entries) this.#relay.intake.pulled(peer, entry)
    this.#goOn(pull)
  }

  /** A link is gone, and with it what was asked for on it. */
  forget(peer: Peer): void {
    for (const [ticket, pull] of this.#pulls) {
      if (pull.peer !== peer) continue
      this.#end(ticket, pull)
      this.#goOn(pull)
    }
    for (const [origin, asked] of this.#asked) {
      const left = asked.filter((one) => one.peer !== peer)
      if (left.length > 0) this.#asked.set(origin, left)
      else this.#asked.delete(origin)
    }
  }

  /** Whether an entry may come by itself. */
  isComing(origin: Origin, n: number): boolean {
    const { intake, now } = this.#relay
    if (intake.has(origin, n)) return true
    return this.#asked.get(origin)?.some(({ from, to, untilMs }) => n >= from && n <= to && untilMs > now.monotonicMs) === true
  }

  /** These were asked for. */
  expect(peer: Peer, { server, incarnation, from, to }: OriginRange, forMs: number): void {
    const origin: Origin = `${server}-${incarnation}`
    const { now } = this.#relay
    const left = (this.#asked.get(origin) ?? []).filter(({ untilMs }) => untilMs > now.monotonicMs)
    left.push({ peer, from, to, untilMs: now.monotonicMs + forMs })
    this.#asked.set(origin, left)
  }

  /** Gets the rest of what a pull was a part of, without waiting: it was noticed long enough ago. */
  #goOn({ origin, wanted: { upTo, beyond } }: Pull): void {
    const { timers, now } = this.#relay
    const waiting = this.#wanted.get(origin)
    if (waiting) timers.clear(waiting.timer)
    const rest: Wanted = { upTo, beyond, timer: new Timer(() => this.#get(origin)) }
    this.#wanted.set(origin, rest)
    timers.set(rest.timer, now.monotonicMs + 1)
  }

  #get(origin: Origin): void {
    const wanted = this.#wanted.get(origin)
    this.#wanted.delete(origin)
    const { bounds, intake, peers, storing } = this.#relay
    if (!wanted || !storing) return
    if (intake.bytes < bounds.pendingBytes / 2) {
      const ranges = rangesOf(origin, this.#missing(origin, wanted))
      const few = ranges.reduce((count, { from, to }) => count + to - from + 1, 0) <= FEW
      if (few) this.#askFor(origin, ranges)
      else for (const range of ranges) this.#pull(origin, range, wanted)
    }
    for (const peer of peers.values()) this.notice(origin, peer.vector.counts(origin))
  }

  #missing(origin: Origin, { upTo, beyond }: Wanted): number[] {
    const { vector } = this.#relay
    const from = vector.watermark(origin) + 1
    const last = Math.min(upTo, from + LOOK_AHEAD)
    const missing: number[] = []
    for (let n = from; n <= last; n++) if (!vector.has(origin, n) && !this.isComing(origin, n)) missing.push(n)
    for (const n of beyond) {
      if (n > upTo && n <= from + LOOK_AHEAD && !vector.has(origin, n) && !this.isComing(origin, n)) missing.push(n)
    }
    return missing
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
      for (const range of wants) this.expect(peer, range, this.#relay.router.answerMs(peer.id))
      this.#refused(peer, origin)
      this.#relay.counters.pulls++
      this.#relay.send(peer, { type: 'WANT', ranges: wants })
    }
  }

  #pull(origin: Origin, range: OriginRange, wanted: Wanted): void {
    const { bounds, router, timings, timers, now } = this.#relay
    const peer = this.#holder(origin, range.from, (holder) => holder.pulls < bounds.pulls && !this.#wasAsked(holder, origin))
    if (!peer) {
      this.#giveUp(origin, range.from, range.to)
      return
    }
    const upTo = peer.vector.watermark(origin)
    const to = Math.min(range.to, range.from + PULL_ENTRIES - 1, Math.max(upTo, range.from))
    const ticket = this.#relay.nextTicket()
    const forMs = timings.pullMs + 4 * router.latencies.retransmitMs(peer.id, 0)
    const pull: Pull = {
      peer,
      origin,
      range: { ...range, to },
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
    this.expect(peer, pull.range, forMs)
    this.#relay.counters.pulls++
    this.#relay.send(peer, { type: 'PULL', ticket, ...pull.range })
  }

  #end(ticket: number, pull: Pull): void {
    this.#relay.timers.clear(pull.timer)
    this.#pulls.delete(ticket)
    pull.peer.pulls--
    const { from, to } = pull.range
    const left = (this.#asked.get(pull.origin) ?? []).filter((one) => one.peer !== pull.peer || one.from !== from || one.to !== to)
    if (left.length > 0) this.#asked.set(pull.origin, left)
    else this.#asked.delete(pull.origin)
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
    let floor = 0
    for (const peer of this.#relay.peers.values()) {
      if (!peer.vector.has(origin, n)) continue
      const its = peer.floors[origin] ?? 0
      if (its < n) return
      floor = Math.max(floor, its)
    }
    if (floor < n) return
    this.#relay.intake.gone({ kind: 'gone', coordinate: { ...parseOrigin(origin), n: Math.min(to, floor) }, from: n })
  }
}
