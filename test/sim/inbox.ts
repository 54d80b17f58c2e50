import type { RelayEvent } from '@dred/protocol/relay'

/** Hands over events one after the other, each when all has been done that followed from the one before. */
export class Inbox {
  readonly #handle: (event: RelayEvent) => void
  readonly #events: RelayEvent[] = []
  #busy = false
  #paused = false

  constructor(handle: (event: RelayEvent) => void) {
    this.#handle = handle
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Events wait, or those that have waited are handed over. */
  set paused(paused: boolean) {
    this.#paused = paused
    this.#work()
  }

  add(event: RelayEvent): void {
    this.#events.push(event)
    this.#work()
  }

  /** For a process that ends. */
  clear(): void {
    this.#events.length = 0
    this.#paused = false
  }

  #work(): void {
    if (this.#busy || this.#paused) return
    this.#busy = true
    for (let next = this.#events.shift(); next; next = this.#events.shift()) this.#handle(next)
    this.#busy = false
  }
}
