export type IndexerErrorCode = 'chain_unreachable' | 'wrong_chain' | 'not_deployed' | 'exited' | 'timeout'

/** Why the indexer did not start. */
export class IndexerError extends Error {
  override readonly name = 'IndexerError'
  readonly code: IndexerErrorCode

  constructor(code: IndexerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
