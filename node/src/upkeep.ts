import { setTimeout as delay } from 'node:timers/promises'
import type { ChannelTracker } from './channel-tracker.ts'
import type { Incarnation } from './incarnation.ts'
import type { Log } from './log.ts'
import type { Replication } from './processes/index.ts'
import type { Realtime } from './realtime/realtime.ts'
import type { RecentEntries } from './recent-entries.ts'
import type { Retention } from './retention/retention.ts'
import type { Store } from './store/port.ts'

const PURGE_EVERY_MS = 10_000
const RESTORE_RETRY_MS = 500

export interface UpkeepOptions {
  store: Store
  retention: Retention
  incarnation: Incarnation
  recent: RecentEntries
  tracker: ChannelTracker
  realtime: Realtime
  replication: Replication
  /** Unix milliseconds. */
  now: () => number
  log: Log
  /** Milliseconds between purges. */
  purgeEveryMs: number | undefined
}

/** What a server does for its store: gives it back what it may have lost, and takes out of it what has expired. */
export class Upkeep {
  readonly #options: UpkeepOptions
  #stops: (() => void)[] = []
  #stopped = false
  #purging = false
  #outages = 0

  constructor(options: UpkeepOptions) {
    this.#options = options
  }

  start(): void {
    const timer = setInterval(() => void this.#purge(), this.#options.purgeEveryMs ?? PURGE_EVERY_MS).unref()
    this.#stops = [this.#options.store.onReconnected(() => this.#onStoreBack()), () => clearInterval(timer)]
  }

  stop(): void {
    this.#stopped = true
    for (const stop of this.#stops.splice(0)) stop()
  }

  /** The store may have lost its tail: nothing that was derived from it holds any more. */
  #onStoreBack(): void {
    const { incarnation, tracker, realtime, recent } = this.#options
    incarnation.storeBack()
    tracker.clear()
    realtime.restart()
    recent.hold()
    void this.#restore(++this.#outages)
  }

  /** Offers the store again what it may have lost, until it has taken it or goes away once more. */
  async #restore(outage: number): Promise<void> {
    const { store, incarnation, recent, log } = this.#options
    // The store lets calls through only once its listeners have been told.
    for (let waitMs = 0; !this.#stopped && outage === this.#outages; waitMs = RESTORE_RETRY_MS) {
      await delay(waitMs, undefined, { ref: false })
      try {
        const lost = await recent.offer(store, () => incarnation.self)
        log.warn({ incarnation: incarnation.self.incarnation, lost }, 'store is back; what it had lost is stored again')
        return
      } catch (error) {
        log.warn({ err: error }, 'store does not take again what it may have lost; trying once more')
      }
    }
  }

  async #purge(): Promise<void> {
    const { store, retention, recent, realtime, replication, now, log } = this.#options
    if (this.#purging) return
    this.#purging = true
    try {
      if (!replication.leads()) await store.ping()
      else if ((await retention.apply(now())) > 0) replication.replicator.purged()
      // The store answered: what it may lose yet is what came last.
      recent.trim(now())
      realtime.hub.closeExpired(now())
    } catch (error) {
      if (!this.#stopped) log.warn({ err: error }, 'purge failed')
    } finally {
      this.#purging = false
    }
  }
}
