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
  malformed_session: { status: 400, retryable: false, title: 'The body does not have the shape of a session request' },
  malformed_statement: { status: 400, retryable: false, title: 'The body does not have the shape of a signed statement of this kind' },
  unsupported_version: { status: 400, retryable: false, title: 'This server does not speak that version of the protocol' },
  cursor_of_another_channel: { status: 400, retryable: false, title: 'The cursor belongs to another channel' },
  genesis_mismatch: { status: 400, retryable: false, title: 'The genesis does not hash to the channel id in the address' },
  channel_unsupported: { status: 400, retryable: false, title: 'This server does not serve channels of this mode or access' },
  message_expired: { status: 400, retryable: false, title: 'The message is older than the lifetime of its channel' },
  clock_skew: { status: 400, retryable: false, title: 'The message is dated too far in the future' },
  weak_key: { status: 400, retryable: false, title: 'The key is not a usable Ed25519 public key' },
  invalid_signature: { status: 401, retryable: false, title: 'The signature does not verify' },
  unauthorized: { status: 401, retryable: false, title: 'The request needs a bearer token of this server' },
  token_expired: { status: 401, retryable: false, title: 'The bearer token has expired: open a new session' },
  challenge_expired: { status: 401, retryable: true, title: 'The challenge is not one of this server, or has expired: ask for a new one' },
  delegation_refused: { status: 401, retryable: false, title: 'The delegation of the wallet does not hold' },
  delegation_revoked: { status: 401, retryable: false, title: 'The delegation of the wallet was revoked' },
  unregistered_peer: { status: 403, retryable: false, title: 'The peer is not an attested server of this neighborhood' },
  wrong_neighborhood: { status: 403, retryable: false, title: 'This server is not registered in that neighborhood' },
  not_a_member: { status: 403, retryable: false, title: 'Only members of the channel may do this' },
  not_an_owner: { status: 403, retryable: false, title: 'Only owners of the channel may do this' },
  invalid_invitation: {
    status: 403,
    retryable: false,
    title: 'The invitation does not hold: it has expired, is used up or was not given by an owner',
  },
  capability_needed: { status: 403, retryable: false, title: 'The channel needs a capability that holds' },
  gate_not_met: { status: 403, retryable: false, title: 'The wallet does not hold what the channel asks for' },
  unknown_channel: { status: 404, retryable: true, title: 'This server does not know the channel' },
  not_found: { status: 404, retryable: false, title: 'There is nothing at this address' },
  method_not_allowed: { status: 405, retryable: false, title: 'This address does not take that method' },
  request_timeout: { status: 408, retryable: true, title: 'The request took too long to come' },
  channel_expired: { status: 410, retryable: false, title: 'The channel has expired' },
  cursor_expired: { status: 410, retryable: false, title: 'What follows the cursor is partly older than what is kept' },
  body_too_large: { status: 413, retryable: false, title: 'The body is too large' },
  uri_too_long: { status: 414, retryable: false, title: 'The address is too long' },
  unsupported_media_type: { status: 415, retryable: false, title: 'The body has to be application/json' },
  rate_limited: { status: 429, retryable: true, title: 'Too many requests' },
  headers_too_large: { status: 431, retryable: false, title: 'The headers are too large' },
  internal: { status: 500, retryable: true, title: 'The server failed' },
  not_serving: { status: 503, retryable: true, title: 'The server is no member of its neighborhood, or its key is no longer accepted' },
  store_unavailable: { status: 503, retryable: true, title: 'The store of the server is unavailable' },
  storage_full: { status: 503, retryable: true, title: 'The storage of the server is full' },
  chain_unavailable: { status: 503, retryable: true, title: 'The server does not reach the chain' },
  shutting_down: { status: 503, retryable: true, title: 'The server is shutting down' },
  too_many_streams: { status: 503, retryable: true, title: 'The server carries as many streams as it can' },
  too_many_channels: { status: 503, retryable: true, title: 'The server keeps as many channels as it can' },
  too_many_connections: { status: 503, retryable: true, title: 'The server has as many connections as it can, in all or from one address' },
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
