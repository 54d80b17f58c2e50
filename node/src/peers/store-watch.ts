import { setTimeout as delay } from 'node:timers/promises'
import { type Coordinate, DredError, originOf, VersionVector } from '@dred/protocol'
import type { RelayEvent } from '@dred/protocol/relay'
import type { Log } from '../log.ts'
import type { Entry, Store } from '../store/port.ts'

export interface StoreWatchOptions {
  store: Store
  self: () => Pick<Coordinate, 'server' | 'incarnation'>
  /** Begins an incarnation later than this one. */
  renew: (known: number) => void
  /** Resolves once what became of all that is being stored has been told. */
  settled: () => Promise<void>
  /** Whether an entry with these coordinates is being stored because a peer sent it. */
  isStoring: (coordinate: Coordinate) => boolean
  tell: (event: RelayEvent) => void
  /** A client's entry is durable. */
  appended: (entry: Entry) => void
  retryMs: number
  log: Log | undefined
}

/**
 * Tells the relay what the store has: at the start, and anew whenever it was out of reach, as it may have lost its tail. Between the loss and
 * that, what clients append is held back, so that it is told after.
 */
export class StoreWatch {
  readonly #options: StoreWatchOptions
  /** The incarnation that the relay knows of. */
  #incarnation: number | undefined
  /** What was appended while the relay does not know what the store has. */
  readonly #held: Entry[] = []
  #lost = true
  #attempt = 0
  /** When peers last knew a later incarnation, as `performance.now()`. */
  #outgrownAt = Number.NEGATIVE_INFINITY
  /** What the relay was told last. */
  #vector = new VersionVector()
  #stops: (() => void)[] = []
  #stopped = false

  constructor(options: StoreWatchOptions) {
    this.#options = options
  }

  /** Resolves once the relay knows what the store has. */
  async start(): Promise<void> {
    const { store } = this.#options
    this.#stops = [store.onAppended((entry) => this.#appended(entry)), store.onReconnected(() => this.#back())]
    await this.#recover()
  }

  stop(): void {
    this.#stopped = true
    for (const stop of this.#stops.splice(0)) stop()
  }

  /** Something could not be read or written: it may have been lost. */
  failed(error: unknown): void {
    if (this.#lost || this.#stopped) return
    this.#options.log?.warn({ error: String(error) }, 'replication waits for the store')
    this.#lose()
    void this.#recover()
  }

  /** Begins an incarnation later than one that peers know; not too often, whatever they say: they will say it again. */
  renew(known: number): void {
    if (known < this.#options.self().incarnation || performance.now() < this.#outgrownAt + this.#options.retryMs) return
    this.#outgrownAt = performance.now()
    this.#options.renew(known)
    this.#lose()
    void this.#recover()
  }

  async purged(): Promise<void> {
    try {
      const floors = await this.#options.store.floors()
      if (!this.#lost && !this.#stopped) this.#options.tell({ type: 'purged', floors })
    } catch (error) {
      this.failed(error)
    }
  }

  /** The store was away. */
  #back(): void {
    this.#lose()
    void this.#recover()
  }

  /** The relay takes nothing until it is told anew what the store has, in a new incarnation. */
  #lose(): void {
    if (!this.#lost) this.#options.tell({ type: 'store-lost' })
    this.#lost = true
  }

  /** Asks the store until it says what it has. A later call takes over. */
  async #recover(): Promise<void> {
    const attempt = ++this.#attempt
    const superseded = () => attempt !== this.#attempt || this.#stopped
    // The store lets calls through only once its listeners have been told.
    for (let waitMs = 0; ; waitMs = this.#options.retryMs) {
      await delay(waitMs)
      await this.#options.settled()
      if (superseded()) return
      try {
        if (await this.#read(superseded)) this.#tellHeld()
        return
      } catch (error) {
        this.#options.log?.debug({ error: String(error) }, 'the store is still out of reach')
      }
    }
  }

  /** @returns false when another attempt has begun meanwhile */
  async #read(superseded: () => boolean): Promise<boolean> {
    const { store, self, renew, tell } = this.#options
    await store.ping().catch(unlessFull)
    // Unless one has begun since: by whoever counts, or by another process of this server.
    if (self().incarnation === this.#incarnation && !superseded()) renew(self().incarnation)
    const { incarnation } = self()
    const [vector, floors] = [await store.vector(), await store.floors()]
    if (superseded()) return false
    this.#incarnation = incarnation
    this.#vector = vector
    this.#lost = false
    tell({ type: 'recovered', vector, floors, incarnation })
    return true
  }

  #tellHeld(): void {
    for (const entry of this.#held.splice(0)) this.#tellOwn(entry)
  }

  #appended(entry: Entry): void {
    const { self, isStoring } = this.#options
    if (entry.coordinate.server !== self().server || isStoring(entry.coordinate)) return
    if (this.#lost) this.#held.push(entry)
    else this.#tellOwn(entry)
  }

  /** One that was counted in an incarnation that is over is news only as a part of what the store has. */
  #tellOwn(entry: Entry): void {
    const { coordinate } = entry
    if (coordinate.incarnation === this.#incarnation) this.#options.appended(entry)
    else if (!this.#lost && !this.#vector.has(originOf(coordinate), coordinate.n)) {
      this.#lose()
      void this.#recover()
    }
  }
}

/** What a full store has can be read. */
function unlessFull(error: unknown): void {
  if (!(error instanceof DredError && error.code === 'storage_full')) throw error
}
