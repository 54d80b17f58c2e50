import type { Clock } from '../src/clock.ts'

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #now = 1_700_000_000_000
  readonly #timers = new Map<number, { at: number; callback: () => void }>()
  #nextId = 1

  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#now
  }

  setTimeout(callback: () => void, ms: number): number {
    const id = this.#nextId++
    this.#timers.set(id, { at: this.#now + ms, callback })
    return id
  }

  clearTimeout(id: unknown): void {
    this.#timers.delete(id as number)
  }

  /** Passes time, timer by timer. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const [next] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)
      if (!next || next[1].at > end) break
      this.#timers.delete(next[0])
      this.#now = Math.max(this.#now, next[1].at)
      next[1].callback()
    }
    this.#now = end
  }
}

/** System time, counting the timers that have not run. */
export class CountingClock implements Clock {
  readonly #live = new Set<unknown>()

  get pending(): number {
    return this.#live.size
  }

  now(): number {
    return Date.now()
  }

  setTimeout(callback: () => void, ms: number): unknown {
    const timer = setTimeout(() => {
      this.#live.delete(timer)
      callback()
    }, ms)
    this.#live.add(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    clearTimeout(timer as NodeJS.Timeout)
    this.#live.delete(timer)
  }
}
