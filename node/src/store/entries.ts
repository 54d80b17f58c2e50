import { DredError, limits, type SignedGenesis } from '@dred/protocol'
import type { OriginRange } from '@dred/protocol/relay'
import type { OriginEntry, RetentionCaps } from './port.ts'

/**
 * A channel may have expired here only: its latest messages are still on their way from peers, and bring it back. So it becomes
 * unknown at once, but its messages stay this long, in milliseconds, since it expired or another one came.
 */
export const EXPIRED_MESSAGES_KEPT_MS = 3_600_000

/** How long, in milliseconds, its genesis and vectors stay: until no message can be on its way that was sent while it lived. */
export const EXPIRED_CHANNEL_KEPT_MS = limits.lifetimeMs.max

/** Deletions in one atomic step of a purge, a few milliseconds' worth: other writes get their turn in between. */
export const PURGE_STEP = 100

/** Channels to look at in one atomic step of a cut, and in one cut. */
export const CUT = { page: 200, channels: 20_000 }

/** Whether anything bounds what is kept of each channel. */
export function boundsChannels({ maxMessages, maxBytes, maxIdleMs }: RetentionCaps): boolean {
  return (maxMessages ?? maxBytes ?? maxIdleMs) !== undefined
}

/** Whether anything bounds what is kept of all. */
export function boundsAll({ totalMessages, totalBytes, maxLifetimeMs }: RetentionCaps): boolean {
  return (totalMessages ?? totalBytes ?? maxLifetimeMs) !== undefined
}

/** What stays for as long as its channel has this date of expiry, as text in statements and scripts; see `CONTROL_EXPIRES_AT`. */
export const NEVER = `${Number.MAX_SAFE_INTEGER}`

/** The genesis that `canonical` and `sig` are the signed form of. */
export function genesisOf(canonical: string, sig: string): SignedGenesis {
  return { ...(JSON.parse(canonical) as Omit<SignedGenesis, 'sig'>), sig }
}

export function unavailable(detail: string, cause?: unknown): DredError {
  return new DredError('store_unavailable', { detail, ...(cause === undefined ? {} : { cause }) })
}

export function storageFull(detail: string, cause?: unknown): DredError {
  return new DredError('storage_full', { detail, ...(cause === undefined ? {} : { cause }) })
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
 * What is kept of an origin's log, with a `gone` entry for each run of counts that are known and not kept.
 * @param kept ascending; complete up to `range.to` unless there are `limit` of them
 * @param known the origin's counts, as plain data of a version vector
 */
export function withGoneRuns(
  kept: readonly OriginEntry[],
  known: readonly number[],
  { range: { server, incarnation, from, to }, limit }: { range: OriginRange; limit: number },
): OriginEntry[] {
  const entries: OriginEntry[] = []
  const ahead = [...kept]
  for (const run of runsOf(known, from, to)) {
    let next = run.from
    const gone = (n: number): void => {
      if (n >= next) entries.push({ kind: 'gone', coordinate: { server, incarnation, n }, from: next })
      next = n + 1
    }
    for (let entry = ahead[0]; entry && entry.coordinate.n <= run.to; entry = ahead[0]) {
      ahead.shift()
      if (entry.coordinate.n < run.from) continue
      gone(entry.coordinate.n - 1)
      entries.push(entry)
      next = entry.coordinate.n + 1
    }
    gone(run.to)
  }
  return entries.slice(0, limit)
}

/** The known counts within bounds, as runs in ascending order. */
function runsOf([upTo = 0, ...beyond]: readonly number[], from: number, to: number): { from: number; to: number }[] {
  const runs = from <= Math.min(to, upTo) ? [{ from, to: Math.min(to, upTo) }] : []
  for (const n of beyond) {
    if (n < from || n > to) continue
    const last = runs.at(-1)
    if (last?.to === n - 1) last.to = n
    else runs.push({ from: n, to: n })
  }
  return runs
}
