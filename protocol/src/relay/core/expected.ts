import { type Origin, originOf } from '../../version-vector.ts'
import type { OriginRange } from '../frame.ts'
import type { Peer } from './peer.ts'
import type { Relay } from './relay.ts'
import { Timer } from './timers.ts'

/** Milliseconds after which a peer may be waited for again, and how often one is in that time. */
const REMEMBERED_MS = 10_000
const MAX_EXPECTED = 4_096
/** What came with a clock that is ahead is not waited for longer than this, nor sooner again. */
const MAX_AHEAD_MS = 30_000

interface Expectation {
  peer: Peer
  from: number
  to: number
  /** Monotonic ms. */
  untilMs: number
  /** It came, with a clock that was too far ahead. */
  ahead: boolean
}

/** What was asked for and may come by itself: nobody else is asked for it, for a while. */
export class Expected {
  readonly #relay: Relay
  readonly #byOrigin = new Map<Origin, readonly Expectation[]>()
  readonly #sweep = new Timer(() => this.#forgetOld())

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** Origins of which something is or was waited for. */
  get size(): number {
    return this.#byOrigin.size
  }

  has(origin: Origin, n: number): boolean {
    const { now } = this.#relay
    return this.#byOrigin.get(origin)?.some(({ from, to, untilMs }) => n >= from && n <= to && untilMs > now.monotonicMs) === true
  }

  /**
   * Waits for what a peer was asked for. For what it did not give in time it is not waited for again at once.
   * @returns whether it is waited for because of that
   */
  add(peer: Peer, { from, to, ...at }: OriginRange, forMs: number): boolean {
    const origin = originOf(at)
    if (this.#of(origin).some((one) => one.peer === peer && one.from <= to && from <= one.to)) return false
    return this.#add(origin, { peer, from, to, untilMs: this.#relay.now.monotonicMs + forMs, ahead: false })
  }

  /** What a peer gave can't be taken before a time. */
  later(peer: Peer, origin: Origin, { n, forMs }: { n: number; forMs: number }): void {
    if (this.#of(origin).some((one) => one.peer === peer && one.ahead && one.from === n)) return
    const untilMs = this.#relay.now.monotonicMs + Math.min(forMs, MAX_AHEAD_MS)
    this.#add(origin, { peer, from: n, to: n, untilMs, ahead: true })
  }

  /** It answered, whatever it gave. */
  answered(peer: Peer, { from, to, ...at }: OriginRange): void {
    const origin = originOf(at)
    this.#keep(
      origin,
      this.#of(origin).filter((one) => one.ahead || one.peer !== peer || one.from !== from || one.to !== to),
    )
  }

  /** A link is gone, and with it what was asked for on it. */
  forget(peer: Peer): void {
    for (const [origin, expected] of this.#byOrigin) {
      this.#keep(
        origin,
        expected.filter((one) => one.peer !== peer),
      )
    }
  }

  #of(origin: Origin): readonly Expectation[] {
    return this.#byOrigin.get(origin) ?? []
  }

  #add(origin: Origin, expectation: Expectation): boolean {
    const { timers, now } = this.#relay
    if (expectation.peer.expected >= MAX_EXPECTED) return false
    expectation.peer.expected++
    timers.by(this.#sweep, now.monotonicMs + REMEMBERED_MS)
    this.#byOrigin.set(origin, [...this.#of(origin), expectation])
    return true
  }

  #keep(origin: Origin, expected: readonly Expectation[]): void {
    if (expected.length > 0) this.#byOrigin.set(origin, expected)
    else this.#byOrigin.delete(origin)
  }

  #forgetOld(): void {
    const { now, timers, peers } = this.#relay
    for (const peer of peers.values()) {
      peer.expected = 0
      for (const [origin, untilMs] of peer.refused) if (untilMs <= now.monotonicMs) peer.refused.delete(origin)
    }
    for (const [origin, expected] of this.#byOrigin) {
      this.#keep(
        origin,
        expected.filter(({ untilMs, ahead }) => untilMs + (ahead ? MAX_AHEAD_MS : REMEMBERED_MS) > now.monotonicMs),
      )
    }
    if (this.#byOrigin.size > 0) timers.by(this.#sweep, now.monotonicMs + REMEMBERED_MS)
  }
}
