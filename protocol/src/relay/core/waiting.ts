import type { Relay } from './relay.ts'
import { Timer } from './timers.ts'

/** Ids of entries stored lately that are remembered, so that nothing waits for one that came while it was being looked up. */
const REMEMBERED = 16_384

interface Wait {
  missing: Set<string>
  timer: Timer
  release: () => void
}

/** What waits for the messages that it follows, so that subscribers get causes before effects. */
export class Waiting {
  readonly #relay: Relay
  readonly #byId = new Map<string, Set<Wait>>()
  #recent = new Set<string>()
  /** Goes on where it stopped: from the start it would pass over all that were deleted, each time. */
  #oldest = this.#recent.values()

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /**
   * @param missing ids that were not in the store
   * @param release called once: at once when nothing is missing, else when all have come or after `waitMs`
   */
  hold(missing: readonly string[], waitMs: number, release: () => void): void {
    const left = new Set(missing.filter((id) => !this.#recent.has(id)))
    if (left.size === 0) {
      release()
      return
    }
    const { timers, now, counters } = this.#relay
    const wait: Wait = {
      missing: left,
      release,
      timer: new Timer(() => {
        counters.causalTimeouts++
        this.#release(wait)
      }),
    }
    timers.set(wait.timer, now.monotonicMs + waitMs)
    for (const id of left) {
      const waits = this.#byId.get(id) ?? new Set<Wait>()
      this.#byId.set(id, waits.add(wait))
    }
  }

  /** An entry is stored. */
  arrived(id: string): void {
    this.#recent.add(id)
    if (this.#recent.size > REMEMBERED) {
      const { value, done } = this.#oldest.next()
      if (!done) this.#recent.delete(value)
    }
    const waits = this.#byId.get(id)
    if (!waits) return
    this.#byId.delete(id)
    for (const wait of waits) {
      wait.missing.delete(id)
      if (wait.missing.size === 0) this.#release(wait)
    }
  }

  /** Forgets what waits, and what was stored: the store may have lost its tail. */
  clear(): void {
    for (const waits of this.#byId.values()) for (const { timer } of waits) this.#relay.timers.clear(timer)
    this.#byId.clear()
    this.#recent = new Set()
    this.#oldest = this.#recent.values()
  }

  #release(wait: Wait): void {
    this.#relay.timers.clear(wait.timer)
    for (const id of wait.missing) {
      const waits = this.#byId.get(id)
      waits?.delete(wait)
      if (waits?.size === 0) this.#byId.delete(id)
    }
    wait.missing.clear()
    wait.release()
  }
}
