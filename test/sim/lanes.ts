import type { Random } from '@dred/protocol/testing/random'

export type LaneName = 'live' | 'bulk'

/** Whether frames get through, vanish, or wait. */
export type Passage = 'open' | 'lost' | 'held'

export interface LanesHost {
  readonly nowMs: number
  after(ms: number, run: () => void): void
  /** One way, at present. */
  latencyMs(): number
  passage(): Passage
  /** Of this pair of servers; infinite unless one of them is slow. */
  mbitPerSecond(): number
  /** Draws whether a frame vanishes, and how often TCP has to send it again. */
  loss(): { vanishes: boolean; resent: number; jitterMs: number }
  /** What waits to be sent. */
  queueChanged(bytes: number, ageMs: number): void
}

interface Lane {
  /** When the last frame arrives: none overtakes another. */
  lastMs: number
  held: (() => void)[]
}

/** A server's connection to the world, upwards: what is sent to all peers goes through it. */
export interface Uplink {
  mbitPerSecond: number
  /** When it has sent all that was handed over. */
  freeMs: number
}

/** TCP waits at least this long on top of a round trip before it sends again. */
const RESEND_MS = 200
/** A queue shorter than this is not told of. */
const QUEUE_MS = 20
const TELL_BYTES = 65_536
const TELL_MS = 250

/** One direction of one link: two streams that share its way. */
export class Lanes {
  readonly #host: LanesHost
  readonly #uplink: Uplink
  readonly #lanes: Record<LaneName, Lane> = {
    live: { lastMs: Number.NEGATIVE_INFINITY, held: [] },
    bulk: { lastMs: Number.NEGATIVE_INFINITY, held: [] },
  }
  readonly #queue: { bytes: number; atMs: number; readyMs: number; go: (waitMs: number) => void }[] = []
  #queuedBytes = 0
  #told = { bytes: 0, ageMs: 0 }

  /** @param startMs nothing arrives before */
  constructor(host: LanesHost, uplink: Uplink, startMs: number) {
    this.#host = host
    this.#uplink = uplink
    for (const lane of Object.values(this.#lanes)) lane.lastMs = startMs
  }

  send(name: LaneName, bytes: number, deliver: () => void): void {
    const lane = this.#lanes[name]
    const { vanishes, resent, jitterMs } = this.#host.loss()
    this.#depart(bytes, (waitMs) => {
      const passage = this.#host.passage()
      if (vanishes || passage === 'lost') return
      if (passage === 'held' || lane.held.length > 0) {
        lane.held.push(deliver)
        return
      }
      const latencyMs = this.#host.latencyMs()
      const delayMs = resent === 0 ? 0 : (2 * latencyMs + RESEND_MS) * (2 ** resent - 1)
      this.#arrive(lane, this.#host.nowMs + waitMs + Math.max(0.1, latencyMs + jitterMs) + delayMs, deliver)
    })
  }

  /** What was held goes on its way, after the time that TCP takes to try again. */
  release(afterMs: number): void {
    for (const lane of Object.values(this.#lanes)) {
      if (lane.held.length === 0) continue
      this.#host.after(afterMs, () => {
        if (this.#host.passage() === 'held') return
        for (const deliver of lane.held.splice(0)) this.#arrive(lane, this.#host.nowMs + this.#host.latencyMs(), deliver)
      })
    }
  }

  #arrive(lane: Lane, atMs: number, deliver: () => void): void {
    lane.lastMs = Math.max(lane.lastMs, atMs)
    this.#host.after(lane.lastMs - this.#host.nowMs, deliver)
  }

  /** @param go what is to be done when the last byte has left, in so many ms: little, where nothing waits */
  #depart(bytes: number, go: (waitMs: number) => void): void {
    const { nowMs } = this.#host
    this.#uplink.freeMs = Math.max(nowMs, this.#uplink.freeMs) + durationMs(bytes, this.#uplink.mbitPerSecond)
    const waitMs = this.#uplink.freeMs - nowMs
    if (this.#queue.length === 0 && waitMs <= QUEUE_MS && this.#host.mbitPerSecond() === Number.POSITIVE_INFINITY) {
      go(waitMs)
      return
    }
    this.#queue.push({ bytes, atMs: nowMs, readyMs: this.#uplink.freeMs, go })
    this.#queuedBytes += bytes
    this.#tell()
    if (this.#queue.length === 1) this.#serve()
  }

  #serve(): void {
    const [first] = this.#queue
    if (!first) return
    const readyMs = Math.max(0, first.readyMs - this.#host.nowMs)
    this.#host.after(readyMs + durationMs(first.bytes, this.#host.mbitPerSecond()), () => {
      this.#queue.shift()
      this.#queuedBytes -= first.bytes
      first.go(0)
      this.#tell()
      this.#serve()
    })
  }

  #tell(): void {
    const bytes = this.#queuedBytes
    const ageMs = this.#host.nowMs - (this.#queue[0]?.atMs ?? this.#host.nowMs)
    const little = Math.abs(bytes - this.#told.bytes) < TELL_BYTES && Math.abs(ageMs - this.#told.ageMs) < TELL_MS
    if (little && (bytes > 0 || this.#told.bytes === 0)) return
    this.#told = { bytes, ageMs }
    this.#host.queueChanged(bytes, ageMs)
  }
}

function durationMs(bytes: number, mbitPerSecond: number): number {
  return (bytes * 8) / (mbitPerSecond * 1_000)
}

/** Draws what happens to frames. */
export function drawLoss(random: Random, { loss, delayedLoss, jitter }: { loss: number; delayedLoss: number; jitter: number }) {
  let resent = 0
  while (resent < 6 && random.chance(delayedLoss)) resent++
  return { vanishes: random.chance(loss), resent, jitterMs: jitter === 0 ? 0 : random.between(-jitter, jitter) }
}
