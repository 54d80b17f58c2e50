import { LinkError, relayLimits } from '@dred/protocol/relay'
import type { OriginEntry, Store } from '../store/port.ts'
import type { Connection } from './connection.ts'
import { toWire } from './wire-entry.ts'

/** Answers are written while less than this many bytes are queued before them. */
const QUEUE_BYTES = 65_536
const MAX_WAITING = 64

interface PullRequest {
  ticket: number
  server: number
  incarnation: number
  from: number
  to: number
}

interface PullServerHost {
  store: Pick<Store, 'readOrigin'>
  sent(entries: readonly OriginEntry[]): void
  /** The store could not be read. */
  failed(error: unknown): void
}

/** Answers a peer's PULLs one after the other, as fast as it takes the answers. */
export class PullServer {
  readonly #connection: Connection
  readonly #host: PullServerHost
  readonly #waiting: PullRequest[] = []
  #running = false

  constructor(connection: Connection, host: PullServerHost) {
    this.#connection = connection
    this.#host = host
  }

  /** @throws LinkError `unexpected_frame` for a peer that asks on and on without waiting for answers */
  add(request: PullRequest): void {
    if (this.#waiting.length >= MAX_WAITING) throw new LinkError('unexpected_frame', 'Too many PULLs without waiting for their answers')
    this.#waiting.push(request)
    if (!this.#running) void this.#run()
  }

  async #run(): Promise<void> {
    this.#running = true
    for (let request = this.#waiting.shift(); request && this.#connection.open; request = this.#waiting.shift()) {
      const { ticket, ...range } = request
      const entries = await this.#read(range)
      await this.#connection.drained(QUEUE_BYTES)
      this.#connection.send({ type: 'BATCH', ticket, entries: entries.map(toWire) })
      this.#host.sent(entries)
    }
    this.#running = false
  }

  /** Nothing while the store is out of reach: the peer asks another server, or again. */
  async #read(range: Omit<PullRequest, 'ticket'>): Promise<OriginEntry[]> {
    try {
      const entries = await this.#host.store.readOrigin(range, relayLimits.batchEntries)
      let bytes = 0
      const tooMany = entries.findIndex((entry) => {
        bytes += 'canonical' in entry ? Buffer.byteLength(entry.canonical) : 0
        return bytes > relayLimits.batchBytes
      })
      return tooMany === -1 ? entries : entries.slice(0, tooMany)
    } catch (error) {
      this.#host.failed(error)
      return []
    }
  }
}
