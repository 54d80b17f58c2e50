import { keyOf, sizeOf } from './coordinates.ts'
import type { BodyEntry, WireEntry } from './types.ts'

/** The latest entries, to be sent again without a read of the store. */
export class EntryCache {
  readonly #maxBytes: number
  readonly #entries = new Map<string, BodyEntry>()
  /** Goes on where it stopped: from the start it would pass over all that were deleted, each time. */
  readonly #oldest = this.#entries.entries()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(key: string): BodyEntry | undefined {
    return this.#entries.get(key)
  }

  add(entry: WireEntry): void {
    if (!('canonical' in entry)) return
    const key = keyOf(entry.coordinate)
    if (this.#entries.has(key)) return
    this.#entries.set(key, entry)
    this.#bytes += sizeOf(entry)
    while (this.#bytes > this.#maxBytes) {
      const { value, done } = this.#oldest.next()
      if (done) return
      const [oldest, old] = value
      this.#entries.delete(oldest)
      this.#bytes -= sizeOf(old)
    }
  }
}
