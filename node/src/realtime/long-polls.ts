import { DredError } from '@dred/protocol'
import type { ChannelTracker } from '../channel-tracker.ts'

/** Requests for what follows a cursor, which wait until something does. */
export class LongPolls {
  readonly #max: number
  readonly #stopListening: () => void
  /** What each waiting request is woken by. */
  readonly #waiting = new Map<string, Set<() => void>>()
  #count = 0
  #stopped = false

  /** @param max requests that wait at once */
  constructor(tracker: ChannelTracker, max: number) {
    this.#max = max
    this.#stopListening = tracker.onMessage(({ id }) => this.#wake(id))
  }

  /** Requests that wait now. */
  get count(): number {
    return this.#count
  }

  /** Whether somebody waits for messages of the channel. */
  has(channel: string): boolean {
    return this.#waiting.has(channel)
  }

  /**
   * Reads until there is something, the time is over or the server stops.
   * @param read of the channel's store
   * @param left calls back when nobody waits any more
   * @returns what was read last
   * @throws DredError `too_many_streams`, and what `read` throws
   */
  async poll<T extends { items: number }>(
    channel: string,
    { waitMs, read, left }: { waitMs: number; read: () => Promise<T>; left: (listener: () => void) => void },
  ): Promise<T> {
    if (this.#count >= this.#max) throw new DredError('too_many_streams', { detail: 'As many requests wait as the server lets' })
    let wake = (): void => undefined
    const woken = (): void => wake()
    let over = false
    const end = (): void => {
      over = true
      wake()
    }
    left(end)
    const timer = setTimeout(end, waitMs)
    // Before anything is read: what comes in between is not missed.
    this.#add(channel, woken)
    try {
      for (;;) {
        const coming = new Promise<void>((resolve) => {
          wake = resolve
        })
        const page = await read()
        if (page.items > 0 || over || this.#stopped) return page
        await coming
        if (over || this.#stopped) return page
      }
    } finally {
      clearTimeout(timer)
      this.#remove(channel, woken)
    }
  }

  /** Those who wait are answered with what there is, now and from now on. */
  stop(): void {
    this.#stopped = true
    this.#stopListening()
    this.rouse()
  }

  /** Lets all look again: the store may not be what it was. */
  rouse(): void {
    for (const channel of this.#waiting.keys()) this.#wake(channel)
  }

  #add(channel: string, wake: () => void): void {
    this.#count++
    const waiting = this.#waiting.get(channel) ?? new Set()
    waiting.add(wake)
    this.#waiting.set(channel, waiting)
  }

  #remove(channel: string, wake: () => void): void {
    this.#count--
    const waiting = this.#waiting.get(channel)
    waiting?.delete(wake)
    if (waiting?.size === 0) this.#waiting.delete(channel)
  }

  #wake(channel: string): void {
    for (const wake of this.#waiting.get(channel) ?? []) wake()
  }
}
