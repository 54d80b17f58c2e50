export type ChainErrorCode = 'unreachable' | 'wrong_chain' | 'no_contract' | 'unknown_neighborhood'

/** Why the registry cannot be read; the message says in one sentence what to do. */
export class ChainError extends Error {
  override readonly name = 'ChainError'
  readonly code: ChainErrorCode

  constructor(code: ChainErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
