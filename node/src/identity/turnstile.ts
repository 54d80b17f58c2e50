import { DredError } from '@dred/protocol'

/** Lets so many tasks run at once, so many wait for their turn, and turns the others away. */
export class Turnstile {
  readonly #running: number
  readonly #waiting: number
  readonly #queue: (() => void)[] = []
  #busy = 0

  constructor(options: { running: number; waiting: number }) {
    this.#running = options.running
    this.#waiting = options.waiting
  }

  /** @throws DredError `rate_limited` when too many wait already; what the task throws */
  async pass<T>(task: () => Promise<T>): Promise<T> {
    if (this.#busy < this.#running) this.#busy++
    else if (this.#queue.length < this.#waiting) await new Promise<void>((resolve) => this.#queue.push(resolve))
    else throw new DredError('rate_limited', { detail: 'Too many ask at once for what only the chain can tell' })
    try {
      return await task()
    } finally {
      // Whose turn is next takes over the place.
      const next = this.#queue.shift()
      if (next) next()
      else this.#busy--
    }
  }
}
