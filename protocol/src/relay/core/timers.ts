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

/** Timers in the order of their times: a binary heap. A slot whose time is not its timer's any more is passed over. */
export class Timers {
  readonly #heap: Slot[] = []

  /** When the next timer is due; infinite without any. */
  get nextMs(): number {
    for (let first = this.#heap[0]; first; first = this.#heap[0]) {
      if (first.timer.atMs === first.atMs) return first.atMs
      this.#removeFirst()
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
    if (atMs !== Number.POSITIVE_INFINITY) this.#add({ atMs, timer })
  }

  clear(timer: Timer): void {
    timer.atMs = Number.POSITIVE_INFINITY
  }

  /** Runs what is due, also what that makes due. */
  runDue(nowMs: number): void {
    while (this.nextMs <= nowMs) {
      const { timer } = this.#removeFirst()
      timer.atMs = Number.POSITIVE_INFINITY
      timer.run()
    }
  }

  #add(slot: Slot): void {
    const heap = this.#heap
    let at = heap.push(slot) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#at(parent).atMs <= slot.atMs) break
      heap[at] = this.#at(parent)
      at = parent
    }
    heap[at] = slot
  }

  #removeFirst(): Slot {
    const heap = this.#heap
    const first = this.#at(0)
    const last = heap.pop()
    if (heap.length === 0 || !last) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.#at(child + 1).atMs < this.#at(child).atMs) child++
      if (this.#at(child).atMs >= last.atMs) break
      heap[at] = this.#at(child)
      at = child
    }
    heap[at] = last
    return first
  }

  #at(index: number): Slot {
    const slot = this.#heap[index]
    if (!slot) throw new RangeError('Beyond the heap')
    return slot
  }
}
