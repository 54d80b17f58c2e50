export type ServerKeyErrorCode =
  | 'missing'
  | 'exists'
  | 'unreadable'
  | 'exposed'
  | 'passphrase_needed'
  | 'passphrase_wrong'
  | 'not_a_key'
  | 'not_p256'

/** Why a key file cannot be used; the message says in one sentence what to do. */
export class ServerKeyError extends Error {
  override readonly name = 'ServerKeyError'
  readonly code: ServerKeyErrorCode

  constructor(code: ServerKeyErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
