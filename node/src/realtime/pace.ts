/**
 * When to pass announced messages on: at once while that costs little, and ever later, so that one write carries more of them, the greater
 * a part of the process's time it takes.
 */
export class Pace {
  readonly #maxMs: number
  #resumeAt = 0

  /** @param maxMs that a message is held at most; 0 never holds one */
  constructor(maxMs: number) {
    this.#maxMs = maxMs
  }

  /** Milliseconds to wait from now. */
  waitMs(now: number): number {
    return Math.max(0, this.#resumeAt - now)
  }

  /** To be told of each round of passing on: it is followed by a pause in proportion. */
  passedOn(startedAt: number, endedAt: number): void {
    this.#resumeAt = endedAt + Math.min(this.#maxMs, PAUSE * (endedAt - startedAt))
  }
}

/** Passing on takes at most a third of the time, as far as the longest wait lets it. */
const PAUSE = 2
