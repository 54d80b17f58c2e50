import type { LinkErrorCode } from '../link-errors.ts'
import { Peer } from './peer.ts'
import type { Relay } from './relay.ts'
import type { CoreFrame } from './types.ts'

/** The first pings follow each other closely, so that the round trip is soon known; a new state is said with each, as one may get lost. */
const FIRST_PINGS = 3
const FIRST_PING_MS = 500
/** An answer that took longer says nothing about the way: one of the two stood still. */
const SLOWEST_MS = 3_000
/** How often a peer that did not answer is asked for a sign of life before it is given up. */
const SIGNS = 6

/** Which peers are linked, and whether they are alive. */
export class Links {
  readonly #relay: Relay

  constructor(relay: Relay) {
    this.#relay = relay
  }

  up(id: number): void {
    const { peers, vectors, latencyRows, router, forwarder, teller, now } = this.#relay
    if (peers.has(id)) this.down(id)
    const peer = new Peer(id, now.monotonicMs, (made) => ({
      retransmit: () => forwarder.retransmit(made),
      tell: () => teller.flush(made),
      ping: () => this.#ping(made),
      silent: () => this.#checkSilence(made),
    }))
    peers.set(id, peer)
    router.changed()
    this.sayState(peer)
    vectors.say(peer, false)
    latencyRows.tell(peer)
    this.#ping(peer)
  }

  down(id: number): void {
    const { peers, repair, router, forwarder, latencyRows, timers } = this.#relay
    const peer = peers.get(id)
    if (!peer) return
    peers.delete(id)
    for (const timer of Object.values(peer.timers)) timers.clear(timer)
    router.latencies.drop(id)
    router.changed()
    latencyRows.changed()
    repair.forget(peer)
    forwarder.giveUp(peer)
  }

  queue(id: number, bytes: number, ageMs: number): void {
    const { peers, bounds, forwarder } = this.#relay
    const peer = peers.get(id)
    if (!peer) return
    peer.queued = bytes > bounds.queueBytes || ageMs > bounds.queueMs
    forwarder.weigh(peer)
  }

  /** A frame came: the peer is alive. */
  heard(peer: Peer): void {
    peer.heardMs = this.#relay.now.monotonicMs
    if (peer.suspectMs === undefined) return
    peer.suspectMs = undefined
    this.#relay.timers.clear(peer.timers.silent)
    this.#relay.router.changed()
    this.#relay.vectors.ask(peer)
  }

  /** A peer did not answer in time: until it is heard again, nothing goes by it. */
  suspect(peer: Peer): void {
    if (peer.suspectMs !== undefined) return
    const { now, timers, timings, router } = this.#relay
    peer.suspectMs = now.monotonicMs
    router.changed()
    timers.by(peer.timers.silent, now.monotonicMs + timings.silentMs / SIGNS)
    this.#relay.send(peer, { type: 'PING', at: Math.round(now.monotonicMs) })
  }

  state(peer: Peer, { incarnation, epoch, joining, credit }: Extract<CoreFrame, { type: 'STATE' }>): void {
    Object.assign(peer, { incarnation, epoch, joining, credit })
    this.#relay.forwarder.weigh(peer)
    this.#relay.router.changed()
  }

  pong(peer: Peer, at: number): void {
    const roundTripMs = this.#relay.now.monotonicMs - at
    if (roundTripMs < 0 || roundTripMs > SLOWEST_MS) return
    this.#relay.router.latencies.measure(peer.id, roundTripMs)
    this.#relay.latencyRows.changed()
  }

  /** What a peer has to know about this server. */
  sayState(peer: Peer): void {
    peer.pings = 0
    this.#relay.timers.by(peer.timers.ping, this.#relay.now.monotonicMs + FIRST_PING_MS)
    this.#state(peer)
  }

  #state(peer: Peer): void {
    const { incarnation, router, joining, teller } = this.#relay
    const credit = teller.credit()
    this.#relay.send(peer, { type: 'STATE', incarnation, epoch: router.epoch, joining: !joining.over, credit })
  }

  close(id: number, code: LinkErrorCode, detail: string): void {
    this.#relay.emit({ type: 'close', peer: id, code, detail })
  }

  #ping(peer: Peer): void {
    const { now, timers, timings } = this.#relay
    const unanswered = peer.pings > FIRST_PINGS && now.monotonicMs - peer.heardMs > timings.pingMs
    if (unanswered) this.suspect(peer)
    else this.#relay.send(peer, { type: 'PING', at: Math.round(now.monotonicMs) })
    if (peer.pings > 0 && peer.pings <= FIRST_PINGS) this.#state(peer)
    peer.pings++
    timers.by(peer.timers.ping, now.monotonicMs + (peer.pings <= FIRST_PINGS ? FIRST_PING_MS : timings.pingMs))
  }

  #checkSilence(peer: Peer): void {
    const { now, timers, timings } = this.#relay
    if (peer.suspectMs === undefined) return
    if (now.monotonicMs - peer.suspectMs >= timings.silentMs) {
      this.close(peer.id, 'silent', 'Nothing was heard for too long')
      return
    }
    timers.by(peer.timers.silent, now.monotonicMs + timings.silentMs / SIGNS)
    this.#relay.send(peer, { type: 'PING', at: Math.round(now.monotonicMs) })
  }
}
