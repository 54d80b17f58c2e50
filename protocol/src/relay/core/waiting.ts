import type { Relay } from './relay.ts'
import { Timer } from './timers.ts'

/** Ids of entries stored lately that are remembered, so that nothing waits for one that came while it was being looked up. */
const REMEMBERED = 16_384

/** Something that waits. */
interface Waiter {
  /** Its own id, if others can wait for it. */
  id?: string
  /** Ids that were not in the store. */
  missing: readonly string[]
  /** Called once: at once when nothing is missing, else when all have come or the time is over. */
  release: () => void
}

interface Wait {
  id: string | undefined
  missing: Set<string>
  timer: Timer
  release: () => void
}

/** What waits for the messages that it follows, so that subscribers get causes before effects. */
export class Waiting {
  readonly #relay: Relay
  readonly #byId = new Map<string, Set<Wait>>()
  /** What waits and has an id. */
  readonly #held = new Map<string, Wait>()
  #recent = new Set<string>()
  /** Goes on where it stopped: from the start it would pass over all that were deleted, each time. */
  #oldest = this.#recent.values()

  constructor(relay: Relay) {
    this.#relay = relay
  }

  hold({ id, missing, release }: Waiter, waitMs: number): void {
    const left = new Set(missing.filter((id) => !this.#recent.has(id)))
    if (left.size === 0) {
      release()
      return
    }
    const { timers, now } = this.#relay
    const wait: Wait = { id, missing: left, release, timer: new Timer(() => this.#timeOut(wait)) }
    if (id !== undefined) this.#held.set(id, wait)
    timers.set(wait.timer, now.monotonicMs + waitMs)
    for (const one of left) {
      const waits = this.#byId.get(one) ?? new Set<Wait>()
      this.#byId.set(one, waits.add(wait))
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
    this.#held.clear()
    this.#recent = new Set()
    this.#oldest = this.#recent.values()
  }

  /** Lets something go without what it follows, after all of that which is here and waits itself. */
  #timeOut(last: Wait): void {
    const seen = new Set([last])
    const path = [{ wait: last, left: [...last.missing] }]
    // Causes before effects, without recursion: a channel's history may be long.
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const id = top.left.pop()
      const cause = id === undefined ? undefined : this.#held.get(id)
      if (cause && !seen.has(cause)) {
        seen.add(cause)
        path.push({ wait: cause, left: [...cause.missing] })
      } else if (id === undefined) {
        path.pop()
        this.#relay.counters.causalTimeouts++
        this.#release(top.wait)
      }
    }
  }

  #release(wait: Wait): void {
    this.#relay.timers.clear(wait.timer)
    if (wait.id !== undefined) this.#held.delete(wait.id)
    for (const id of wait.missing) {
      const waits = this.#byId.get(id)
      waits?.delete(wait)
      if (waits?.size === 0) this.#byId.delete(id)
    }
    wait.missing.clear()
    wait.release()
  }
}
