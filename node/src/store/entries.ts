import { DredError, limits, type SignedGenesis } from '@dred/protocol'
import type { OriginEntry } from './port.ts'

/**
 * A channel may have expired here only: its latest messages are still on their way from peers, and bring it back. So it becomes
 * unknown at once, but its messages stay this long, in milliseconds, since it expired or another one came.
 */
export const EXPIRED_MESSAGES_KEPT_MS = 3_600_000

/** How long, in milliseconds, its genesis and vectors stay: until no message can be on its way that was sent while it lived. */
export const EXPIRED_CHANNEL_KEPT_MS = limits.lifetimeMs.max

/** Deletions in one atomic step of a purge, a few milliseconds' worth: other writes get their turn in between. */
export const PURGE_STEP = 100

/** The genesis that `canonical` and `sig` are the signed form of. */
export function genesisOf(canonical: string, sig: string): SignedGenesis {
  return { ...(JSON.parse(canonical) as Omit<SignedGenesis, 'sig'>), sig }
}

export function unavailable(detail: string, cause?: unknown): DredError {
  return new DredError('store_unavailable', { detail, ...(cause === undefined ? {} : { cause }) })
}

/** Messages to pass over that are not wanted before the next one that may be is looked up by its count. */
export const PASSED_OVER = 32

/**
 * The highest count below `n` that a vector has of an origin: where to look next, never proof that what lies below is known.
 * @param counts of the origin, as plain data
 */
export function highestBelow([upTo = 0, ...beyond]: readonly number[] = [], n: number): number {
  return beyond.findLast((count) => count < n) ?? Math.min(upTo, n - 1)
}

/**
 * Fills the holes between what is still kept of an origin's log with `gone` entries.
 * @param kept ascending; complete up to `range.to` unless there are `limit` of them
 */
export function withGoneRuns(
  kept: readonly OriginEntry[],
  range: { server: number; incarnation: number; from: number; to: number },
  limit: number,
): OriginEntry[] {
  const { server, incarnation, from, to } = range
  const entries: OriginEntry[] = []
  let next = from
  for (const entry of kept) {
    const { n } = entry.coordinate
    if (n > next) entries.push({ kind: 'gone', coordinate: { server, incarnation, n: n - 1 } })
    entries.push(entry)
    next = n + 1
  }
  if (next <= to && entries.length < limit) entries.push({ kind: 'gone', coordinate: { server, incarnation, n: to } })
  return entries.slice(0, limit)
}
