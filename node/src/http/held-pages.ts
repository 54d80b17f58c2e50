import type { ServerResponse } from 'node:http'
import { Shares } from '../limits/shares.ts'
import { Turns } from './turns.ts'

/** A smaller answer is no more than the request that it belongs to. */
const COUNTED_BYTES = 4_096
/** Pages that are being made at once: one may have 4 MiB, and is there twice before it is sent. */
const MAKING = { total: 4, perKey: 2 }

/** Counts what answers hold in memory until their readers have taken it. */
export class HeldPages {
  readonly #shares: Shares
  readonly #turns = new Turns(MAKING)

  constructor(bounds: { total: number; perAddress: number }) {
    this.#shares = new Shares({ what: 'bytes of answers that are waiting for their readers', ...bounds })
  }

  /** @throws RateLimited */
  assertRoom(key: string): void {
    this.#shares.assertRoom(key, 1)
  }

  /**
   * Makes a page when it is its turn.
   * @throws RateLimited when those that were made before are not taken
   */
  make<T>(key: string, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(key, () => {
      this.assertRoom(key)
      return work()
    })
  }

  /** @param response that is about to be sent with a body of this many bytes */
  hold(key: string, bytes: number, response: Pick<ServerResponse, 'once'>): void {
    if (bytes >= COUNTED_BYTES) response.once('close', this.#shares.hold(key, bytes))
  }
}
