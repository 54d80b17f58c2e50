/** Time and timers as a port, so that tests turn the hands themselves. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number
  /** Calls back once after `ms` milliseconds, at the latest after 24 days. @returns what {@link Clock.clearTimeout} takes */
  setTimeout(callback: () => void, ms: number): unknown
  clearTimeout(timer: unknown): void
}

/** Longer timers run at once instead, in every JavaScript engine. */
const MAX_TIMER_MS = 2_147_483_647

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, ms) => setTimeout(callback, Math.min(ms, MAX_TIMER_MS)),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
}

/** Lets one loop sleep until something rings or its time is up. A ring that nobody waits for is kept for the next wait. */
export class Bell {
  #rung = false
  #wake: (() => void) | undefined
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  readonly ring = (): void => {
    this.#rung = true
    this.#wake?.()
  }

  /** @param ms milliseconds, `Infinity` for no limit. Resolves as well when `signal` aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted && ms > 0) {
      await new Promise<void>((resolve) => {
        const timer = Number.isFinite(ms) ? this.#clock.setTimeout(resolve, ms) : undefined
        signal.addEventListener('abort', this.ring)
        this.#wake = () => {
          if (timer !== undefined) this.#clock.clearTimeout(timer)
          resolve()
        }
      })
      signal.removeEventListener('abort', this.ring)
    }
    this.#wake = undefined
    this.#rung = false
  }
}

/** Full jitter: a random time up to `base · 2^failures`, at most `cap`; milliseconds. */
export function backoffMs(failures: number, options: { baseMs: number; capMs: number; random: () => number }): number {
  return options.random() * Math.min(options.capMs, options.baseMs * 2 ** Math.min(failures, 30))
}
