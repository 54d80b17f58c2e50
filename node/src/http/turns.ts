/** Lets so much work be done at once, in all and for each key; the others wait, and each key has its turn. */
export class Turns {
  readonly #total: number
  readonly #perKey: number
  readonly #working = new Map<string, number>()
  readonly #waiting = new Map<string, (() => void)[]>()
  #count = 0

  constructor({ total, perKey }: { total: number; perKey: number }) {
    this.#total = total
    this.#perKey = perKey
  }

  /** Resolves, or rejects, as the work does, once it has had its turn. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (this.#isFree(key)) this.#begin(key)
    else await new Promise<void>((resolve) => this.#enqueue(key, resolve))
    try {
      return await work()
    } finally {
      this.#end(key)
    }
  }

  #isFree(key: string): boolean {
    return this.#count < this.#total && this.#workingFor(key) < this.#perKey
  }

  #workingFor(key: string): number {
    return this.#working.get(key) ?? 0
  }

  #begin(key: string): void {
    this.#count++
    this.#working.set(key, this.#workingFor(key) + 1)
  }

  #enqueue(key: string, resolve: () => void): void {
    const queue = this.#waiting.get(key) ?? []
    queue.push(resolve)
    this.#waiting.set(key, queue)
  }

  #end(key: string): void {
    this.#count--
    const left = this.#workingFor(key) - 1
    if (left > 0) this.#working.set(key, left)
    else this.#working.delete(key)
    this.#next()
  }

  /** Who waits longest for its turn, of those who are not having it; then it is last in line. */
  #next(): void {
    for (const [key, queue] of this.#waiting) {
      if (!this.#isFree(key)) continue
      const resolve = queue.shift()
      this.#waiting.delete(key)
      if (queue.length > 0) this.#waiting.set(key, queue)
      if (!resolve) continue
      this.#begin(key)
      resolve()
      return
    }
  }
}
