import { limits } from '../../limits.ts'
import { type Origin, parseOrigin, VersionVector, type VersionVectorData } from '../../version-vector.ts'
import { relayLimits } from '../codec/limits.ts'
import { learn } from './coordinates.ts'
import type { Peer } from './peer.ts'
import type { Relay } from './relay.ts'
import { Timer } from './timers.ts'
import type { CoreFrame, Floors } from './types.ts'

/** Counts in one frame: of nine bytes at most, a bit over half of what a frame may have. */
const MAX_COUNTS = 65_536

/** Exchanges complete version vectors: at every new link, and with one peer after the other. */
export class Vectors {
  readonly #relay: Relay
  readonly #exchange = new Timer(() => this.#exchangeVectors())
  #lastExchanged = 0

  constructor(relay: Relay) {
    this.#relay = relay
  }

  start(): void {
    const { timers, now, timings } = this.#relay
    timers.by(this.#exchange, now.monotonicMs + timings.vectorMs)
  }

  /** Asks a peer for all that it has, unless it was asked a moment ago. */
  ask(peer: Peer): void {
    const { now, timings } = this.#relay
    if (now.monotonicMs - peer.askedMs < timings.graceMs) return
    this.say(peer, true)
  }

  /** Says all that is here. */
  say(peer: Peer, answer: boolean): void {
    const { now, vector, floors, storing } = this.#relay
    if (!storing) return
    if (answer) peer.askedMs = now.monotonicMs
    const entries = countsOf(vector).filter(([origin, [upTo]]) => !this.#isOver(origin, upTo))
    const parts = inParts(entries).slice(0, relayLimits.vectorFrames)
    for (const [i, part] of parts.entries()) {
      const last = i === parts.length - 1
      const kept = part.flatMap(([origin]) => {
        const floor = floors[origin]
        return floor === undefined ? [] : [[origin, floor] as const]
      })
      this.#relay.send(peer, {
        type: 'VV',
        last,
        answer: answer && last,
        vector: Object.fromEntries(part),
        floors: Object.fromEntries(kept),
      })
    }
  }

  heard(peer: Peer, frame: Extract<CoreFrame, { type: 'VV' }>): void {
    const parts = peer.parts ?? { vector: new VersionVector(), floors: {}, count: 0 }
    peer.parts = parts
    learn(parts.vector, frame.vector)
    Object.assign(parts.floors, frame.floors)
    if (!frame.last) {
      if (++parts.count >= relayLimits.vectorFrames) this.#relay.links.close(peer.id, 'malformed_frame', 'A version vector without an end')
      return
    }
    peer.parts = undefined
    peer.vector = parts.vector
    peer.floors = parts.floors as Floors
    const { forwarder, ownEntries, joining, repair } = this.#relay
    for (const origin of peer.sent.keys()) forwarder.settle(peer, origin)
    ownEntries.heard(peer)
    for (const [origin, data] of Object.entries(peer.vector.toData())) repair.notice(peer, origin as Origin, data)
    joining.told(peer)
    if (frame.answer) this.#answer(peer)
  }

  /** Says what is here and not there. */
  #answer(peer: Peer): void {
    const { vector, storing, now, timings } = this.#relay
    if (!storing || now.monotonicMs - peer.answeredMs < timings.graceMs) return
    peer.answeredMs = now.monotonicMs
    const more = countsOf(vector).filter(
      ([origin, [upTo, ...beyond]]) => upTo > peer.vector.watermark(origin) || beyond.some((n) => !peer.vector.has(origin, n)),
    )
    if (more.length === 0) return
    for (const part of inParts(more)) this.#relay.send(peer, { type: 'HAVE', vector: Object.fromEntries(part) })
  }

  #exchangeVectors(): void {
    const { peers, heads, latencyRows } = this.#relay
    this.start()
    const linked = [...peers.values()].filter(({ suspectMs }) => suspectMs === undefined).sort((a, b) => a.id - b.id)
    const peer = linked.find(({ id }) => id > this.#lastExchanged) ?? linked[0]
    if (!peer) return
    this.#lastExchanged = peer.id
    this.say(peer, true)
    heads.passOn(peer)
    latencyRows.passOn(peer)
  }

  /** Nothing is kept of it and nothing will come: it need not be told. */
  #isOver(origin: Origin, upTo: number): boolean {
    if ((this.#relay.floors[origin] ?? 0) < upTo) return false
    const { server, incarnation } = parseOrigin(origin)
    return incarnation < this.#relay.latestIncarnation(server)
  }
}

export type Counts = [Origin, VersionVectorData[Origin]]

function countsOf(vector: VersionVector): Counts[] {
  return Object.entries(vector.toData()) as Counts[]
}

/** Parts that fit into a frame each; one at least. */
export function inParts(counts: readonly Counts[]): Counts[][] {
  let part: Counts[] = []
  const parts = [part]
  let size = 0
  for (const item of counts) {
    size += item[1].length
    if (part.length === limits.vectorOrigins || size > MAX_COUNTS) {
      part = []
      parts.push(part)
      size = item[1].length
    }
    part.push(item)
  }
  return parts
}
