import { Heap } from './heap.ts'

/** Something to be done at a time, at most once until it is set again. */
export class Timer {
  /** Infinite while it is not set. */
  atMs = Number.POSITIVE_INFINITY
  readonly run: () => void

  constructor(run: () => void) {
    this.run = run
  }
}

interface Slot {
  atMs: number
  timer: Timer
}

/** Timers in the order of their times. A slot whose time is not its timer's any more is passed over. */
export class Timers {
  readonly #slots = new Heap<Slot>()

  /** When the next timer is due; infinite without any. */
  get nextMs(): number {
    for (let first = this.#slots.first; first; first = this.#slots.first) {
      if (first.timer.atMs === first.atMs) return first.atMs
      this.#slots.removeFirst()
    }
    return Number.POSITIVE_INFINITY
  }

  /** Sets a timer, or brings it forward. */
  by(timer: Timer, atMs: number): void {
    if (atMs < timer.atMs) this.set(timer, atMs)
  }

  set(timer: Timer, atMs: number): void {
    if (timer.atMs === atMs) return
    timer.atMs = atMs
    if (atMs !== Number.POSITIVE_INFINITY) this.#slots.add({ atMs, timer })
  }

  clear(timer: Timer): void {
    timer.atMs = Number.POSITIVE_INFINITY
  }

  /** Runs what is due, also what that makes due. */
  runDue(nowMs: number): void {
    while (this.nextMs <= nowMs) {
      const timer = this.#slots.removeFirst()?.timer
      if (!timer) return
      timer.atMs = Number.POSITIVE_INFINITY
      timer.run()
    }
  }
}
