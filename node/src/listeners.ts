/** Functions to call in the order in which they were added. */
export class Listeners<Arguments extends unknown[]> {
  readonly #listeners = new Set<(...args: Arguments) => void>()

  /** @returns the way to remove it; the same function added twice counts twice */
  add(listener: (...args: Arguments) => void): () => void {
    const own = (...args: Arguments): void => listener(...args)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  /** Calls all. What one throws surfaces as an uncaught exception: it is a fault of the listener and no reason to skip the others. */
  emit(...args: Arguments): void {
    for (const listener of this.#listeners) {
      try {
        listener(...args)
      } catch (error) {
        setImmediate(() => {
          throw error
        })
      }
    }
  }
}
