import type { VersionVector } from '../../version-vector.ts'
import type { Peer } from './peer.ts'
import type { Relay } from './relay.ts'
import { Timer } from './timers.ts'

/** Peers with which a server has to have caught up. */
const PEERS = 2

/** Until a server that came has what others had then, it is given nothing to pass on. */
export class Joining {
  readonly #relay: Relay
  /** What peers had when they were first heard, as far as it is not here yet. */
  readonly #behind = new Map<number, VersionVector>()
  #caughtUp = 0
  #over = false
  readonly #timeout = new Timer(() => this.#end())

  constructor(relay: Relay) {
    this.#relay = relay
  }

  get over(): boolean {
    return this.#over
  }

  start(): void {
    if (this.#over) return
    const { timers, now, timings } = this.#relay
    timers.by(this.#timeout, now.monotonicMs + timings.joinMs)
    this.check()
  }

  told(peer: Peer): void {
    if (this.#over || this.#behind.has(peer.id) || this.#behind.size >= 2 * PEERS) return
    this.#behind.set(peer.id, peer.vector.clone())
    this.check()
  }

  /** Something was stored, or the members changed. */
  check(): void {
    if (this.#over || !this.#relay.storing) return
    const { router, vector, self } = this.#relay
    for (const [id, behind] of this.#behind) {
      if (!vector.covers(behind)) continue
      this.#behind.delete(id)
      this.#caughtUp++
    }
    const others = router.members.filter((id) => id !== self).length
    if (this.#relay.known && this.#caughtUp >= Math.min(PEERS, others)) this.#end()
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#behind.clear()
    this.#relay.timers.clear(this.#timeout)
    this.#relay.emit({ type: 'ready' })
    let asked = 0
    for (const peer of this.#relay.peers.values()) {
      this.#relay.links.sayState(peer)
      // What was sent since they said what they have was not sent here.
      if (asked++ < PEERS) this.#relay.vectors.say(peer, true)
    }
  }
}
