interface Scheduled {
  at: number
  /** Of events of one time, the one that was scheduled first comes first. */
  order: number
  run: () => void
}

/** What is going to happen, by simulated milliseconds: a binary heap. */
export class EventQueue {
  readonly #heap: Scheduled[] = []
  #order = 0
  #now: number

  constructor(startMs: number) {
    this.#now = startMs
  }

  get now(): number {
    return this.#now
  }

  schedule(at: number, run: () => void): void {
    const event = { at: Math.max(at, this.#now), order: this.#order++, run }
    const heap = this.#heap
    let i = heap.length
    heap.push(event)
    while (i > 0) {
      const up = (i - 1) >> 1
      const parent = heap[up]
      if (!parent || !before(event, parent)) break
      heap[i] = parent
      i = up
    }
    heap[i] = event
  }

  /** Lets everything happen that is scheduled up to `end`. */
  runUntil(end: number): void {
    for (let next = this.#heap[0]; next && next.at <= end; next = this.#heap[0]) {
      this.#removeFirst()
      this.#now = next.at
      next.run()
    }
    this.#now = end
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let i = 0
    for (;;) {
      const left = 2 * i + 1
      const [a, b] = [heap[left], heap[left + 1]]
      const child = b && a && before(b, a) ? left + 1 : left
      const smaller = heap[child]
      if (!smaller || !before(smaller, last)) break
      heap[i] = smaller
      i = child
    }
    heap[i] = last
  }
}

function before(a: Scheduled, b: Scheduled): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
