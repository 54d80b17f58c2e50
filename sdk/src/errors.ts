import { DredError, type ErrorCode, errors, isErrorCode, isUnsupported } from '@dred/protocol'
import type { Published } from './publish/published.ts'

/** What can go wrong on the client's side, beside the codes of the protocol that servers answer with. */
export const clientErrors = {
  aborted: { retryable: false, title: 'The caller aborted the operation' },
  closed: { retryable: false, title: 'The client is closed' },
  discovery_unreachable: { retryable: true, title: 'No discovery service and no known server answered' },
  handler_failed: { retryable: false, title: 'The handler of a subscription threw' },
  invalid_message: { retryable: false, title: 'A server delivered a message that does not verify; it was dropped' },
  invalid_receipt: { retryable: false, title: 'A server told of storage without signing it with its key; it was dropped' },
  invalid_response: { retryable: true, title: 'A server answered with something that is not Dred' },
  network: { retryable: true, title: 'The server could not be reached' },
  no_servers: { retryable: true, title: 'The neighborhood has no active server' },
  offline: { retryable: true, title: 'This device is offline' },
  storage_unavailable: { retryable: false, title: 'The device key could not be stored; it lives in memory for now' },
  stream_interrupted: { retryable: true, title: 'The stream ended without a goodbye' },
  timeout: { retryable: true, title: 'There was no answer in time' },
  too_few_servers: { retryable: false, title: 'The message is stored, but in time on fewer servers than it was to be' },
  unsupported_environment: { retryable: false, title: 'This environment has no Ed25519 in WebCrypto (browsers need https or localhost)' },
  version_mismatch: { retryable: false, title: 'The server speaks no version of the protocol that this client knows' },
} as const satisfies Record<string, { retryable: boolean; title: string }>

export type ClientErrorCode = keyof typeof clientErrors
/** Every code that a {@link DredClientError} can carry. */
export type DredErrorCode = ErrorCode | ClientErrorCode

export interface DredClientErrorOptions {
  detail?: string
  cause?: unknown
  /** Endpoint of the server concerned. */
  server?: string
  requestId?: string
  /** `cursor_expired`: the oldest cursor to go on from. */
  oldest?: string
  /** Milliseconds after which the server wants to see the request again. */
  retryAfterMs?: number
  /** The message that a server has stored although the publish failed. */
  published?: Published
}

/** The one class of error that the SDK throws, rejects with and emits. */
export class DredClientError extends Error {
  override readonly name = 'DredClientError'
  readonly code: DredErrorCode
  /** Whether the same operation may succeed later. */
  readonly retryable: boolean
  readonly server: string | undefined
  readonly requestId: string | undefined
  readonly oldest: string | undefined
  readonly retryAfterMs: number | undefined
  /** Of a publish: the message is stored, the more that was asked for failed. */
  readonly published: Published | undefined

  constructor(code: DredErrorCode, options: DredClientErrorOptions = {}) {
    const { title, retryable } = isErrorCode(code) ? errors[code] : clientErrors[code]
    super(options.detail ?? title, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = retryable
    this.server = options.server
    this.requestId = options.requestId
    this.oldest = options.oldest
    this.retryAfterMs = options.retryAfterMs
    this.published = options.published
  }

  /** Where the code is explained: on the server that answered with it, else in this package's README. */
  get docsUrl(): string {
    return isErrorCode(this.code) && this.server !== undefined
      ? `${this.server.replace(/\/$/, '')}/problems/${this.code}`
      : `@dred/sdk/README.md#${this.code}`
  }

  /** The first error along the causes that `matches` accepts, from this one inwards; without it the innermost cause. */
  walk(matches?: (error: unknown) => boolean): unknown {
    return walkCauses(this, matches)
  }
}

function walkCauses(error: unknown, matches?: (error: unknown) => boolean): unknown {
  if (matches?.(error)) return error
  const cause: unknown = error instanceof Error ? error.cause : undefined
  if (cause === undefined) return matches ? undefined : error
  return walkCauses(cause, matches)
}

/** Any thrown value as a {@link DredClientError}; what is none becomes `unsupported_environment` or `fallback`. */
export function toClientError(error: unknown, fallback: DredErrorCode, options: DredClientErrorOptions = {}): DredClientError {
  if (error instanceof DredClientError) return error
  if (error instanceof DredError) {
    return new DredClientError(error.code, {
      ...options,
      cause: error,
      detail: error.message,
      ...(error.oldest === undefined ? {} : { oldest: error.oldest }),
    })
  }
  return new DredClientError(isUnsupported(error) ? 'unsupported_environment' : fallback, { cause: error, ...options })
}

/** What an aborted signal stands for: the SDK's own reason when it has one, else `aborted`. */
export function abortError(signal: AbortSignal): DredClientError {
  return toClientError(signal.reason, 'aborted')
}
