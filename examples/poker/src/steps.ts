/** Which steps of a play a client has received, and who waits for one. Keeps only those beyond the unbroken beginning. */
export class ReceivedSteps {
  readonly #beyond = new Set<number>()
  readonly #waiting = new Map<number, (() => void)[]>()
  #next = 0

  has(step: number): boolean {
    return step < this.#next || this.#beyond.has(step)
  }

  add(step: number): void {
    if (this.has(step)) return
    this.#beyond.add(step)
    while (this.#beyond.delete(this.#next)) this.#next++
    for (const resolve of this.#waiting.get(step) ?? []) resolve()
    this.#waiting.delete(step)
  }

  /** Resolves once the step has been received; rejects with the signal's reason. */
  async received(step: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.has(step)) return
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const abort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    this.#waiting.set(step, [...(this.#waiting.get(step) ?? []), () => resolve(undefined)])
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }
}
