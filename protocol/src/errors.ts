/**
 * Every error that Dred's HTTP API and stream events name: HTTP status, whether the same request may succeed later, and what it
 * means. `docs/protocol/errors.md` is generated from this table.
 */
export const errors = {
  malformed_json: { status: 400, retryable: false, title: 'The body is not valid JSON' },
  malformed_message: { status: 400, retryable: false, title: 'The message does not have the shape of a signed message' },
  malformed_genesis: { status: 400, retryable: false, title: 'The channel genesis does not have the shape of a signed genesis' },
  malformed_request: { status: 400, retryable: false, title: 'A parameter of the request is not valid' },
  malformed_cursor: { status: 400, retryable: false, title: 'The cursor is not one that a Dred server gave' },
  cursor_of_another_channel: { status: 400, retryable: false, title: 'The cursor belongs to another channel' },
  genesis_mismatch: { status: 400, retryable: false, title: 'The genesis does not hash to the channel id in the address' },
  channel_unsupported: { status: 400, retryable: false, title: 'This server does not serve channels of this mode or access' },
  message_expired: { status: 400, retryable: false, title: 'The message is older than the lifetime of its channel' },
  clock_skew: { status: 400, retryable: false, title: 'The message is dated too far in the future' },
  weak_key: { status: 400, retryable: false, title: 'The key is not a usable Ed25519 public key' },
  invalid_signature: { status: 401, retryable: false, title: 'The signature does not verify' },
  unregistered_peer: { status: 403, retryable: false, title: 'The peer is not an attested server of this neighborhood' },
  wrong_neighborhood: { status: 403, retryable: false, title: 'This server is not registered in that neighborhood' },
  unknown_channel: { status: 404, retryable: true, title: 'This server does not know the channel' },
  not_found: { status: 404, retryable: false, title: 'There is nothing at this address' },
  method_not_allowed: { status: 405, retryable: false, title: 'This address does not take that method' },
  channel_expired: { status: 410, retryable: false, title: 'The channel has expired' },
  cursor_expired: { status: 410, retryable: false, title: 'What follows the cursor is partly older than what is kept' },
  body_too_large: { status: 413, retryable: false, title: 'The body is too large' },
  unsupported_media_type: { status: 415, retryable: false, title: 'The body has to be application/json' },
  rate_limited: { status: 429, retryable: true, title: 'Too many requests' },
  internal: { status: 500, retryable: true, title: 'The server failed' },
  not_serving: { status: 503, retryable: true, title: 'The server is no member of its neighborhood, or its key is no longer accepted' },
  store_unavailable: { status: 503, retryable: true, title: 'The store of the server is unavailable' },
  shutting_down: { status: 503, retryable: true, title: 'The server is shutting down' },
  too_many_streams: { status: 503, retryable: true, title: 'The server carries as many streams as it can' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>

export type ErrorCode = keyof typeof errors

/** RFC 9457 problem document. `type` is relative to the server, which serves an explanation there. */
export interface ProblemDocument {
  type: string
  title: string
  status: number
  code: ErrorCode
  retryable: boolean
  detail?: string
  requestId?: string
  /** `cursor_expired`: the oldest cursor that the server can still continue from. */
  oldest?: string
}

/** An error that has a code in the table. */
export class DredError extends Error {
  override readonly name = 'DredError'
  readonly code: ErrorCode
  readonly detail: string | undefined
  /** See {@link ProblemDocument.oldest}. */
  readonly oldest: string | undefined

  constructor(code: ErrorCode, options: { detail?: string; oldest?: string; cause?: unknown } = {}) {
    super(options.detail ?? errors[code].title, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = options.detail
    this.oldest = options.oldest
  }

  get status(): number {
    return errors[this.code].status
  }

  get retryable(): boolean {
    return errors[this.code].retryable
  }

  toProblem(requestId?: string): ProblemDocument {
    const { status, title, retryable } = errors[this.code]
    return {
      type: `/problems/${this.code}`,
      title,
      status,
      code: this.code,
      retryable,
      ...(this.detail === undefined ? {} : { detail: this.detail }),
      ...(this.oldest === undefined ? {} : { oldest: this.oldest }),
      ...(requestId === undefined ? {} : { requestId }),
    }
  }
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errors, code)
}
