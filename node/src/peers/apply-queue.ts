import type { OriginEntry } from '../store/port.ts'

const FULL_BYTES = 1_048_576
const FULL_ITEMS = 2_048
/** Entries handed to the store that it has not confirmed: enough for it to make many durable at once. */
const UNCONFIRMED = 64

interface QueuedEntry {
  size: number
  verified: Promise<OriginEntry | undefined>
  store(entry: OriginEntry): Promise<void>
}

type Item = QueuedEntry | { step(): void }

/**
 * What came over one link, in order: entries are verified side by side, handed to the store one after the other, and steps wait until the
 * store has confirmed all entries before them.
 */
export class ApplyQueue {
  readonly #broken: (error: unknown) => void
  readonly #items: Item[] = []
  readonly #unconfirmed = new Set<Promise<void>>()
  #bytes = 0
  #running = false
  #stopped = false
  #roomMade: (() => void)[] = []

  /** @param broken told once of the first entry that is not valid; nothing after it is applied */
  constructor(broken: (error: unknown) => void) {
    this.#broken = broken
  }

  get full(): boolean {
    return this.#bytes >= FULL_BYTES || this.#items.length >= FULL_ITEMS
  }

  /**
   * @param size roughly, in bytes
   * @param verified undefined for an entry to be passed over
   * @param store never rejects
   */
  addEntry(size: number, verified: Promise<OriginEntry | undefined>, store: (entry: OriginEntry) => Promise<void>): void {
    // It is awaited in its turn, which may come after it has failed.
    verified.catch(() => undefined)
    this.#bytes += size
    this.#add({ size, verified, store })
  }

  addStep(step: () => void): void {
    this.#add({ step })
  }

  /** Resolves when more may be added. */
  async room(): Promise<void> {
    while (this.full && !this.#stopped) await new Promise<void>((resolve) => this.#roomMade.push(resolve))
  }

  stop(): void {
    this.#stopped = true
    this.#items.length = 0
    for (const resolve of this.#roomMade.splice(0)) resolve()
  }

  #add(item: Item): void {
    if (this.#stopped) return
    this.#items.push(item)
    if (!this.#running) void this.#run()
  }

  async #run(): Promise<void> {
    this.#running = true
    try {
      for (let item = this.#items.shift(); item && !this.#stopped; item = this.#items.shift()) {
        if ('step' in item) {
          await Promise.all(this.#unconfirmed)
          if (!this.#stopped) item.step()
        } else await this.#apply(item)
        if (!this.full) for (const resolve of this.#roomMade.splice(0)) resolve()
      }
    } catch (error) {
      this.stop()
      this.#broken(error)
    } finally {
      this.#running = false
    }
  }

  async #apply(item: QueuedEntry): Promise<void> {
    const entry = await item.verified
    this.#bytes -= item.size
    if (this.#stopped || !entry) return
    const confirmed = item.store(entry).finally(() => this.#unconfirmed.delete(confirmed))
    this.#unconfirmed.add(confirmed)
    while (this.#unconfirmed.size >= UNCONFIRMED) await Promise.race(this.#unconfirmed)
  }
}
