import { Backoff } from './backoff.ts'

/** A link that lived this long, in milliseconds, ends the series of failures before it. */
const STABLE_MS = 1_000

/** Keeps one connection to a peer open: dials again whenever it could not be made or has ended. */
export class Dialler {
  readonly #attempt: (signal: AbortSignal) => Promise<void>
  readonly #backoff: Backoff
  readonly #abort = new AbortController()
  #wake: (() => void) | undefined

  /** @param attempt dials and resolves when the link has ended; rejects when there was none */
  constructor(attempt: (signal: AbortSignal) => Promise<void>, bounds: { minMs: number; maxMs: number }) {
    this.#attempt = attempt
    this.#backoff = new Backoff(bounds)
    void this.#run()
  }

  /** Dials at once if it was waiting. */
  retry(): void {
    this.#backoff.reset()
    this.#wake?.()
  }

  stop(): void {
    this.#abort.abort()
    this.#wake?.()
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort
    while (!signal.aborted) {
      const startedAt = performance.now()
      try {
        await this.#attempt(signal)
        if (performance.now() - startedAt >= STABLE_MS) this.#backoff.reset()
      } catch {
        // The attempt has logged it.
      }
      if (!signal.aborted) await this.#pause(this.#backoff.next())
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
    })
  }
}
