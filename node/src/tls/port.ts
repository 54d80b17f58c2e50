import type { Certificate } from './certificate.ts'

/** What a server shows to those who connect, which may change while it serves. */
export interface Certificates {
  readonly current: Certificate
  /** Times that a new one was not fit for use, and the old one stayed. */
  readonly refused: number
  /**
   * Called when there is another one.
   * @returns the way to stop it
   */
  onChange(listener: (certificate: Certificate) => void): () => void
}
