import type { ServerResponse } from 'node:http'
import { DredError } from '@dred/protocol'

/** Counts what responses hold in memory until their readers have taken it. */
export class HeldPages {
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** @throws DredError `rate_limited` */
  assertRoom(): void {
    if (this.#bytes >= this.#maxBytes) throw new DredError('rate_limited', { detail: 'Too many pages are waiting for their readers' })
  }

  /** @param response that is about to be sent with a body of this many bytes */
  hold(bytes: number, response: Pick<ServerResponse, 'once'>): void {
    this.#bytes += bytes
    response.once('close', () => {
      this.#bytes -= bytes
    })
  }
}
