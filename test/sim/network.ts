import type { RelayEvent } from '@dred/protocol/relay'
import type { Random } from '@dred/protocol/testing/random'
import type { Geography } from './regions.ts'
import { drawLoss, type LaneName, Lanes, type Passage, type Uplink } from './lanes.ts'

/** The product's waits between attempts to dial and for a handshake, ms; a link that lived for long enough ends a series of failures. */
const REDIAL = { minMs: 100, maxMs: 5_000 }
const HANDSHAKE_MS = 5_000
const STABLE_MS = 1_000

/** A server as the network sees it. */
export interface Endpoint {
  readonly id: number
  readonly running: boolean
  /** Counts its boots. */
  readonly life: number
  /** Nobody answers for it: its machine is off, or it stands still. */
  readonly silent: boolean
  readonly slowness: { readonly factor: number; readonly mbitPerSecond: number }
  readonly uplink: Uplink
  /** Whether it takes another one for a member. */
  knows(id: number): boolean
  notice(event: RelayEvent): void
}

export interface NetworkHost {
  readonly nowMs: number
  after(ms: number, run: () => void): void
  endpoint(id: number): Endpoint | undefined
  /** Of frames, at present. */
  lossNow(): { loss: number; delayedLoss: number; jitter: number }
}

/** Frames from some servers to others are lost, or wait until it ends. */
export interface Cut {
  separates(from: number, to: number): boolean
  readonly hold: boolean
}

interface Link {
  readonly lanes: ReadonlyMap<number, Lanes>
}

interface Pair {
  /** It dials. */
  readonly low: number
  readonly high: number
  /** The link that each end takes for live. */
  readonly live: Map<number, Link>
  dialling: boolean
  failures: number
  upMs: number
}

/** Links between all servers: dialled by the one with the lower id, and again whenever they have ended. */
export class Network {
  readonly #host: NetworkHost
  readonly #geography: Geography
  readonly #random: { dial: Random; frames: Random }
  readonly #pairs = new Map<number, Map<number, Pair>>()
  readonly #cuts = new Set<Cut>()
  /** Changes with what reaches what, and how fast. */
  version = 0

  constructor(host: NetworkHost, geography: Geography, random: { dial: Random; frames: Random }) {
    this.#host = host
    this.#geography = geography
    this.#random = random
  }

  /** Makes the way to every other server known. */
  add(id: number): void {
    const own = new Map<number, Pair>()
    for (const [other, pairs] of this.#pairs) {
      if (this.#geography.latencyMs(id, other) === undefined) continue
      const ends = { low: Math.min(id, other), high: Math.max(id, other) }
      const pair: Pair = { ...ends, live: new Map(), dialling: false, failures: 0, upMs: 0 }
      own.set(other, pair)
      pairs.set(id, pair)
    }
    this.#pairs.set(id, own)
  }

  /** To be called when a server has booted, or knows of other members. */
  dialAll(id: number): void {
    for (const pair of this.#pairsOf(id)) this.#dial(pair)
  }

  /** A server has ended: what it was linked to hears of it, unless its machine is off. */
  end(id: number): void {
    for (const pair of this.#pairsOf(id)) {
      const link = pair.live.get(id)
      pair.live.delete(id)
      if (link && !this.#endpoint(id)?.silent) this.#tellEnd(pair, link, otherEnd(pair, id))
    }
    this.version++
  }

  /** A server ends one of its links. */
  close(id: number, peer: number): void {
    const pair = this.#pairs.get(id)?.get(peer)
    const link = pair?.live.get(id)
    if (!pair || !link) return
    this.#drop(pair, id, link)
    if (this.#passage(id, peer) !== 'lost') link.lanes.get(id)?.send('live', 64, () => this.#drop(pair, peer, link))
  }

  send(from: number, to: number, { lane, bytes, deliver }: { lane: LaneName; bytes: number; deliver: () => void }): void {
    const pair = this.#pairs.get(from)?.get(to)
    const link = pair?.live.get(from)
    if (!pair || !link) return
    link.lanes.get(from)?.send(lane, bytes, () => {
      if (pair.live.get(to) === link) deliver()
      else this.#refuse(pair, link, from)
    })
  }

  /** Whether both ends take their link for live and frames get through. */
  linked(from: number, to: number): boolean {
    const pair = this.#pairs.get(from)?.get(to)
    const link = pair?.live.get(from)
    return pair !== undefined && link !== undefined && pair.live.get(to) === link && this.#passage(from, to) === 'open'
  }

  /** One-way ms at present, without jitter. */
  latencyMs(from: number, to: number): number {
    const factor = Math.max(this.#endpoint(from)?.slowness.factor ?? 1, this.#endpoint(to)?.slowness.factor ?? 1)
    return (this.#geography.latencyMs(from, to) ?? Number.POSITIVE_INFINITY) * factor
  }

  /** Whether nothing is cut. */
  get open(): boolean {
    return this.#cuts.size === 0
  }

  addCut(cut: Cut): void {
    this.#cuts.add(cut)
    this.version++
  }

  /** @param lastedMs TCP tries again after up to as long as it has tried already */
  removeCut(cut: Cut, lastedMs: number): void {
    if (!this.#cuts.delete(cut)) return
    this.version++
    if (!cut.hold) return
    for (const pairs of this.#pairs.values()) {
      for (const pair of pairs.values())
        for (const [id, link] of pair.live) link.lanes.get(id)?.release(this.#random.dial.between(0, Math.min(lastedMs, 5_000)))
    }
  }

  #endpoint(id: number): Endpoint | undefined {
    return this.#host.endpoint(id)
  }

  #pairsOf(id: number): Iterable<Pair> {
    return this.#pairs.get(id)?.values() ?? []
  }

  #passage(from: number, to: number): Passage {
    let passage: Passage = 'open'
    for (const cut of this.#cuts) {
      if (!cut.separates(from, to)) continue
      if (!cut.hold) return 'lost'
      passage = 'held'
    }
    return passage
  }

  #reachable({ low, high }: Pair): boolean {
    return this.#passage(low, high) === 'open' && this.#passage(high, low) === 'open'
  }

  /** TCP, TLS and the handshake take three round trips; no answer is waited for a while. */
  #dial(pair: Pair): void {
    const dialler = this.#endpoint(pair.low)
    const acceptor = this.#endpoint(pair.high)
    if (pair.dialling || pair.live.has(pair.low) || !dialler?.running || !dialler.knows(pair.high)) return
    pair.dialling = true
    const { life } = dialler
    const rtt = this.latencyMs(pair.low, pair.high) + this.latencyMs(pair.high, pair.low)
    const refused = acceptor && this.#reachable(pair) && !acceptor.silent
    const answered = refused && acceptor.running && acceptor.knows(pair.low)
    this.#host.after(answered ? 3 * rtt : refused ? rtt : HANDSHAKE_MS, () => {
      pair.dialling = false
      if (dialler.life !== life || !dialler.running) return this.#dial(pair)
      if (answered && acceptor.running && !acceptor.silent && this.#reachable(pair)) this.#establish(pair, dialler, acceptor)
      else this.#redial(pair)
    })
  }

  #establish(pair: Pair, dialler: Endpoint, acceptor: Endpoint): void {
    const { nowMs } = this.#host
    const proofMs = this.latencyMs(pair.low, pair.high)
    const link: Link = {
      lanes: new Map([
        [pair.low, this.#lanes(pair, dialler, nowMs + proofMs)],
        [pair.high, this.#lanes(pair, acceptor, nowMs)],
      ]),
    }
    const { life } = acceptor
    pair.upMs = nowMs
    // The first frame on its way to the acceptor is the proof of who dials.
    this.#host.after(proofMs, () => {
      if (!acceptor.running || acceptor.silent || acceptor.life !== life || !this.#reachable(pair)) return
      if (pair.live.get(pair.high)) this.#forget(pair, acceptor)
      pair.live.set(pair.high, link)
      this.version++
      acceptor.notice({ type: 'link-up', peer: pair.low })
    })
    pair.live.set(pair.low, link)
    this.version++
    dialler.notice({ type: 'link-up', peer: pair.high })
  }

  #lanes(pair: Pair, from: Endpoint, startMs: number): Lanes {
    const to = otherEnd(pair, from.id)
    const host = this.#host
    const slowest = () => Math.min(from.slowness.mbitPerSecond, this.#endpoint(to)?.slowness.mbitPerSecond ?? Number.POSITIVE_INFINITY)
    const { life } = from
    return new Lanes(
      {
        get nowMs() {
          return host.nowMs
        },
        after: (ms, run) => host.after(ms, run),
        latencyMs: () => this.latencyMs(from.id, to),
        passage: () => this.#passage(from.id, to),
        mbitPerSecond: slowest,
        loss: () => drawLoss(this.#random.frames, host.lossNow()),
        queueChanged: (bytes, ageMs) => {
          if (from.life === life && pair.live.has(from.id)) from.notice({ type: 'link-queue', peer: to, bytes, ageMs })
        },
      },
      from.uplink,
      startMs,
    )
  }

  #redial(pair: Pair): void {
    const ceilingMs = Math.min(REDIAL.maxMs, REDIAL.minMs * 2 ** pair.failures)
    pair.failures = Math.min(pair.failures + 1, 10)
    this.#host.after(this.#random.dial.between(0, ceilingMs), () => this.#dial(pair))
  }

  /** A frame came for a link that is not there any more: its sender is told, if there is a machine to do it. */
  #refuse(pair: Pair, link: Link, sender: number): void {
    const receiver = this.#endpoint(otherEnd(pair, sender))
    if (receiver && !receiver.silent) this.#tellEnd(pair, link, sender)
  }

  #tellEnd(pair: Pair, link: Link, id: number): void {
    const from = otherEnd(pair, id)
    if (this.#passage(from, id) === 'open') this.#host.after(this.latencyMs(from, id), () => this.#drop(pair, id, link))
  }

  #drop(pair: Pair, id: number, link: Link): void {
    const endpoint = this.#endpoint(id)
    if (pair.live.get(id) !== link || !endpoint) return
    this.#forget(pair, endpoint)
    if (id !== pair.low) return
    if (this.#host.nowMs - pair.upMs >= STABLE_MS) pair.failures = 0
    this.#redial(pair)
  }

  #forget(pair: Pair, endpoint: Endpoint): void {
    pair.live.delete(endpoint.id)
    this.version++
    endpoint.notice({ type: 'link-down', peer: otherEnd(pair, endpoint.id) })
  }
}

function otherEnd({ low, high }: Pair, id: number): number {
  return id === low ? high : low
}
