import { limits } from '@dred/protocol'

/** Times in milliseconds. The defaults suit people on the internet. */
export interface Timing {
  /** Until a request without a stream has its answer, and a stream its `open` event. */
  requestMs: number
  /** Until one server has taken a message; then the next one is tried. */
  publishAttemptMs: number
  /** How long a publish is tried altogether. */
  publishDeadlineMs: number
  /** How long reading (history, lists, descriptions) and creating a channel is tried altogether. */
  requestDeadlineMs: number
  /** Until a server that has not opened its stream is doubled by another one. */
  hedgeMs: number
  /** The servers' keepalive interval. */
  keepaliveMs: number
  backoffBaseMs: number
  backoffCapMs: number
  /** Without any server for this long, a connection counts as suspended. */
  suspendAfterMs: number
}

export const defaultTiming: Timing = {
  requestMs: 5_000,
  publishAttemptMs: 4_000,
  publishDeadlineMs: 60_000,
  requestDeadlineMs: 15_000,
  hedgeMs: 400,
  keepaliveMs: limits.keepaliveMs,
  backoffBaseMs: 500,
  backoffCapMs: 30_000,
  suspendAfterMs: 120_000,
}
