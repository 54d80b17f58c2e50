import { DredError } from '@dred/protocol'
import type { NewEntry, Store } from './store/port.ts'

interface Accepted {
  entry: NewEntry
  /** This server's hybrid clock when it took it, in microseconds. */
  clock: number
}

/** What a store says that may take it later. */
const LATER: ReadonlySet<string> = new Set(['store_unavailable', 'storage_full'])
/** In one go, so that it is over before the next outage. */
const OFFERED_AT_ONCE = 64

/** How much is kept; `bytes` counts the characters of the signed texts. */
export interface RecentEntriesBounds {
  count: number
  bytes: number
  ageMs: number
}

/**
 * What clients were lately told is stored. A store that comes back without its last seconds is offered these again, so that an
 * acknowledged message is lost only when the process and the store's tail go together.
 */
export class RecentEntries {
  readonly #bounds: RecentEntriesBounds
  #entries: Accepted[] = []
  #bytes = 0
  /** How often the store came back; and what {@link offer} has seen to. */
  #returns = 0
  #offered = 0

  constructor(bounds: RecentEntriesBounds) {
    this.#bounds = bounds
  }

  get size(): number {
    return this.#entries.length
  }

  add(entry: NewEntry, clock: number): void {
    this.#entries.push({ entry, clock })
    this.#bytes += entry.canonical.length
    // In batches: the array is not shifted for every message.
    if (this.#entries.length > 2 * this.#bounds.count || this.#bytes > 2 * this.#bounds.bytes) this.trim(clock / 1_000)
  }

  /** Keeps everything until it has been offered: the store is back, and may have lost its tail. */
  hold(): void {
    this.#returns++
  }

  /**
   * Forgets what is beyond the bounds, for a moment at which the store is known to be within reach.
   * @param now Unix ms
   */
  trim(now: number): void {
    if (this.#offered < this.#returns) return
    let surplus = 0
    for (const { entry, clock } of this.#entries) {
      const within =
        clock / 1_000 >= now - this.#bounds.ageMs &&
        this.#entries.length - surplus <= this.#bounds.count &&
        this.#bytes <= this.#bounds.bytes
      if (within) break
      this.#bytes -= entry.canonical.length
      surplus++
    }
    this.#entries.splice(0, surplus)
  }

  /**
   * Offers everything to the store again.
   * @returns how many of them the store had lost
   * @throws DredError `store_unavailable`, `storage_full`: all is kept for the next call
   */
  async offer(store: Store, self: () => Parameters<Store['append']>[1]): Promise<number> {
    let lost = 0
    const returns = this.#returns
    const entries = this.#entries.slice()
    for (let from = 0; from < entries.length; from += OFFERED_AT_ONCE) {
      const offered = entries.slice(from, from + OFFERED_AT_ONCE)
      const restored = await Promise.all(offered.map((accepted) => restore(store, accepted, self())))
      lost += restored.filter(Boolean).length
    }
    this.#offered = Math.max(this.#offered, returns)
    return lost
  }
}

async function restore(store: Store, { entry, clock }: Accepted, self: Parameters<Store['append']>[1]): Promise<boolean> {
  try {
    return (await store.append(entry, self, clock)).created
  } catch (error) {
    // What expired in the meantime is not wanted back.
    if (error instanceof DredError && !LATER.has(error.code)) return false
    throw error
  }
}
