import { limits } from '../../limits.ts'
import { type Origin, parseOrigin, VersionVector } from '../../version-vector.ts'
import { relayLimits } from '../codec/limits.ts'
import { learn } from './coordinates.ts'
import type { Peer } from './peer.ts'
import type { Relay } from './relay.ts'
import { Timer } from './timers.ts'
import type { CoreFrame, Floors } from './types.ts'

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
    const entries = Object.entries(vector.toData()).filter(([origin, [upTo]]) => !this.#isOver(origin as Origin, upTo))
    for (let at = 0; at === 0 || at < entries.length; at += limits.vectorOrigins) {
      const part = entries.slice(at, at + limits.vectorOrigins)
      const last = at + limits.vectorOrigins >= entries.length
      const kept = part.flatMap(([name]) => {
        const floor = floors[name as Origin]
        return floor === undefined ? [] : [[name, floor] as const]
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
    for (const [origin, data] of Object.entries(peer.vector.toData())) repair.notice(origin as Origin, data)
    joining.told(peer)
    if (frame.answer) this.#answer(peer)
  }

  /** Says what is here and not there. */
  #answer(peer: Peer): void {
    const { vector, storing } = this.#relay
    if (!storing) return
    const more = Object.entries(vector.toData()).filter(
      ([name, [upTo, ...beyond]]) =>
        upTo > peer.vector.watermark(name as Origin) || beyond.some((n) => !peer.vector.has(name as Origin, n)),
    )
    for (let at = 0; at < more.length; at += limits.vectorOrigins)
      this.#relay.send(peer, { type: 'HAVE', vector: Object.fromEntries(more.slice(at, at + limits.vectorOrigins)) })
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
