import { DredError } from '@dred/protocol'

/** How a bucket stands, for the answer's `RateLimit` headers. */
export interface BucketState {
  limit: number
  remaining: number
  /** Whole seconds until it is full. */
  resetSeconds: number
}

/** Somebody asked for more than its share. */
export class RateLimited extends DredError {
  /** Whole seconds after which the same request fits, if nothing else is asked for until then. */
  readonly retryAfterSeconds: number
  readonly bucket: BucketState | undefined
  /** What there was not enough of: the name of a bucket, `at_once`, `blocked`. */
  readonly limit: string

  constructor(detail: string, { waitMs, limit, bucket }: { waitMs: number; limit: string; bucket?: BucketState }) {
    super('rate_limited', { detail })
    this.retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1_000))
    this.bucket = bucket
    this.limit = limit
  }
}
