import type { Coordinate } from '../../schemas.ts'
import { type Origin, VersionVector } from '../../version-vector.ts'
import { Timer } from './timers.ts'
import type { Floors, WireEntry } from './types.ts'

/** A message that was sent to a peer, or that it was asked for, and that it has not confirmed. */
export interface Sent {
  readonly coordinate: Coordinate
  /** The servers that the peer serves with it, ascending. */
  cover: readonly number[]
  bytes: number
  /** Monotonic ms at which the peer is asked for it. */
  dueMs: number
  /** How often it was asked. */
  probes: number
  /** Monotonic ms of the last question. */
  probedMs: number
}

/** A linked server, and what it said on this link. */
export class Peer {
  readonly id: number
  /** What it has durably. */
  vector = new VersionVector()
  floors: Floors = {}
  /** Parts of a version vector whose last part has not come. */
  parts: { vector: VersionVector; floors: Record<Origin, number>; count: number } | undefined
  joining = true
  epoch = 0
  incarnation = 0
  credit = 65_536
  /** By origin and count. */
  readonly sent = new Map<Origin, Map<number, Sent>>()
  sentBytes = 0
  /** What it is to be told next: the counts of each origin that were stored here. */
  due = new Map<Origin, number[]>()
  /** Monotonic ms of the last frame. */
  heardMs: number
  /** Since when it owes a sign of life, monotonic ms. */
  suspectMs: number | undefined
  queued = false
  congested = false
  /** Until when it is not asked for an origin: it did not give what it said it had. */
  readonly refused = new Map<Origin, number>()
  pulls = 0
  /** Origins of which something is missing that it was the first to have. */
  wanted = 0
  /** How often lately it was waited for. */
  expected = 0
  readonly timers: { retransmit: Timer; tell: Timer; ping: Timer; silent: Timer }
  pings = 0
  /** Statements that it handed over since a time, monotonic ms. */
  checks = 0
  checkedMs = Number.NEGATIVE_INFINITY
  /** It was told what it lacks, monotonic ms. */
  answeredMs = Number.NEGATIVE_INFINITY
  /** A vector was asked for, monotonic ms. */
  askedMs = Number.NEGATIVE_INFINITY

  constructor(id: number, nowMs: number, timers: (peer: Peer) => Record<keyof Peer['timers'], () => void>) {
    this.id = id
    this.heardMs = nowMs
    const { retransmit, tell, ping, silent } = timers(this)
    this.timers = { retransmit: new Timer(retransmit), tell: new Timer(tell), ping: new Timer(ping), silent: new Timer(silent) }
  }

  sentOf(origin: Origin, n: number): Sent | undefined {
    return this.sent.get(origin)?.get(n)
  }

  remember(origin: Origin, sent: Sent): void {
    const counts = this.sent.get(origin) ?? new Map<number, Sent>()
    this.sent.set(origin, counts)
    this.sentBytes += sent.bytes - (counts.get(sent.coordinate.n)?.bytes ?? 0)
    counts.set(sent.coordinate.n, sent)
  }

  forget(origin: Origin, n: number): void {
    const counts = this.sent.get(origin)
    const sent = counts?.get(n)
    if (!counts || !sent) return
    counts.delete(n)
    this.sentBytes -= sent.bytes
    if (counts.size === 0) this.sent.delete(origin)
  }

  has({ coordinate }: Pick<WireEntry, 'coordinate'>, origin: Origin): boolean {
    return this.vector.has(origin, coordinate.n)
  }
}
