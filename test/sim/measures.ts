import type { CoreFrame } from '@dred/protocol/relay'
import type { Accepted } from './messages.ts'

/** Of ascending numbers; undefined of none. */
export function quantile(ascending: readonly number[], q: number): number | undefined {
  return ascending[Math.max(0, Math.ceil(q * ascending.length) - 1)]
}

export function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** What is counted while a simulation runs. */
export class Measures {
  /** Bodies that arrived at servers, by tree, resent or in batches. */
  bodies = 0
  /** While clients published: bytes that are no body. */
  controlBytes = 0
  readonly bytes: Partial<Record<CoreFrame['type'], number>> = {}
  /** Of deliveries by the tree: the way it took over the shortest one. */
  readonly stretches: number[] = []
  /** By how many servers deliveries were sent; all that were not by the tree are in `repaired`. */
  readonly hops: number[] = []
  repaired = 0

  /** A frame was sent. @param control bytes of it that are no body */
  sent(type: CoreFrame['type'], sizes: { total: number; control: number }, publishing: boolean): void {
    this.bytes[type] = (this.bytes[type] ?? 0) + sizes.total
    if (publishing) this.controlBytes += sizes.control
  }

  /** A body arrived. @param shortestMs from its origin */
  arrived(accepted: Accepted, at: { server: number; nowMs: number; shortestMs: number }, way: { hops: number; byTree: boolean }): void {
    this.bodies++
    if (accepted.arrivals.has(at.server) || accepted.entry.coordinate.server === at.server) return
    accepted.arrivals.set(at.server, { atMs: at.nowMs, ...way })
    if (!way.byTree) {
      this.repaired++
      return
    }
    this.hops[way.hops] = (this.hops[way.hops] ?? 0) + 1
    if (Number.isFinite(at.shortestMs) && at.shortestMs > 0) this.stretches.push((at.nowMs - accepted.atMs) / at.shortestMs)
  }
}

/** How a message that a server sends now will have come to who gets it: all that a server sends at the time at which it first sends it is by the tree. */
export function wayOf(
  accepted: Accepted,
  { from, nowMs, frame }: { from: number; nowMs: number; frame: CoreFrame['type'] },
): { hops: number; byTree: boolean } {
  const firstMs = accepted.sentMs.get(from) ?? nowMs
  accepted.sentMs.set(from, firstMs)
  const live = frame === 'MSG' && firstMs === nowMs
  if (accepted.entry.coordinate.server === from) return { hops: 1, byTree: live }
  const before = accepted.arrivals.get(from)
  return { hops: (before?.hops ?? 0) + 1, byTree: live && before?.byTree === true }
}
