export type StartupErrorCode =
  | 'key_file'
  | 'chain_unreachable'
  | 'not_registered'
  | 'already_serving'
  | 'store_unavailable'
  | 'port_in_use'
  | 'config'

/** Why a server could not start; the message says in one sentence what to do. */
export class StartupError extends Error {
  override readonly name = 'StartupError'
  readonly code: StartupErrorCode

  constructor(code: StartupErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
