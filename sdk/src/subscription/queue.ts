/**
 * A first-in first-out queue whose producers wait while it is full: how an application that reads slowly slows the streams.
 * Holds at most its capacity and one item more per producer.
 */
export class BoundedQueue<T> {
  readonly #capacity: number
  readonly #items: T[] = []
  readonly #readers: (() => void)[] = []
  readonly #writers: (() => void)[] = []
  #ended = false

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Appends at once; resolves when there is room for the next. What comes after the end is dropped. */
  async push(item: T): Promise<void> {
    if (this.#ended) return
    this.#items.push(item)
    this.#readers.shift()?.()
    while (this.#items.length >= this.#capacity && !this.#ended) await new Promise<void>((resolve) => this.#writers.push(resolve))
  }

  /** The next item; undefined once the queue has ended and is empty. */
  async next(): Promise<T | undefined> {
    while (this.#items.length === 0 && !this.#ended) await new Promise<void>((resolve) => this.#readers.push(resolve))
    const item = this.#items.shift()
    if (this.#items.length < this.#capacity) for (const writer of this.#writers.splice(0)) writer()
    return item
  }

  /** @param options `discard`: what waits is dropped, else it can still be read */
  end(options: { discard: boolean }): void {
    this.#ended = true
    if (options.discard) this.#items.length = 0
    for (const wake of [...this.#readers.splice(0), ...this.#writers.splice(0)]) wake()
  }
}
