import type { ServerResponse } from 'node:http'
import { Shares } from '../limits/shares.ts'

/** A smaller answer is no more than the request that it belongs to. */
const COUNTED_BYTES = 4_096

/** Counts what answers hold in memory until their readers have taken it. */
export class HeldPages {
  readonly #shares: Shares

  constructor(bounds: { total: number; perAddress: number }) {
    this.#shares = new Shares({ what: 'bytes of answers that are waiting for their readers', ...bounds })
  }

  /** @throws RateLimited */
  assertRoom(key: string): void {
    this.#shares.assertRoom(key, 1)
  }

  /** @param response that is about to be sent with a body of this many bytes */
  hold(key: string, bytes: number, response: Pick<ServerResponse, 'once'>): void {
    if (bytes >= COUNTED_BYTES) response.once('close', this.#shares.hold(key, bytes))
  }
}
