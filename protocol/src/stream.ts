import type { ProblemDocument } from './errors.ts'
import type { DeliveredMessage } from './schemas.ts'

/** One line of an NDJSON stream, or the data of one server-sent event (whose `event` is `type`, whose `id` is `cursor`). */
export type StreamEvent =
  /** First on every stream; `server` is its registry id. */
  | { type: 'open'; channel: string; server: number; cursor: string }
  | ({ type: 'message' } & DeliveredMessage)
  /** All history up to the stream's start has been sent; what follows is live. */
  | { type: 'control'; cursor: string; caughtUp: true }
  /** Every `limits.keepaliveMs` on a quiet stream. */
  | { type: 'keepalive'; cursor: string }
  | ({ type: 'error' } & ProblemDocument)
  /** Last on a stream that the server ends: come back after `retryMs` milliseconds with the last cursor, here or elsewhere. */
  | { type: 'close'; reason: CloseReason; retryMs: number; cursor: string }

export type CloseReason = 'shutting_down' | 'slow_reader' | 'channel_expired' | 'not_serving' | 'store_unavailable'
