import type { PresenceEvent } from '@dred/protocol'
import { Chunk } from './chunk.ts'
import { eventFrame, onePerFormat, type StreamFormat } from './format.ts'
import type { Subscription } from './subscription.ts'

/** Who is present in a channel now, as events. */
export type PresentNow = () => PresenceEvent[]

/** Tells those subscriptions of one channel who come and go that asked for it. What happens in one turn goes together. */
export class PresenceFeed {
  readonly #present: PresentNow
  readonly #wanted = new Set<Subscription>()
  /** Those that know who is present. */
  readonly #told = new Set<Subscription>()
  #pending: PresenceEvent[] = []

  constructor(present: PresentNow) {
    this.#present = present
  }

  add(subscription: Subscription): void {
    this.#wanted.add(subscription)
  }

  remove(subscription: Subscription): void {
    this.#wanted.delete(subscription)
    this.#told.delete(subscription)
  }

  /** A subscription went live: it is told who is present, and from here on what changes. */
  live(subscription: Subscription): void {
    if (!this.#wanted.has(subscription)) return
    this.#flush()
    this.#told.add(subscription)
    const events = this.#present()
    if (events.length > 0) subscription.connection.write(chunkOf(subscription.connection.format, events))
  }

  changed(event: PresenceEvent): void {
    if (this.#told.size === 0) return
    if (this.#pending.length === 0) setImmediate(() => this.#flush())
    this.#pending.push(event)
  }

  #flush(): void {
    const events = this.#pending
    this.#pending = []
    if (events.length === 0) return
    const shared = onePerFormat((format) => chunkOf(format, events))
    for (const { isLive, connection } of this.#told) {
      if (!isLive) continue
      connection.cutWhenSlow()
      connection.write(shared(connection.format))
    }
  }
}

function chunkOf(format: StreamFormat, events: readonly PresenceEvent[]): Chunk {
  return new Chunk(events.map((event) => eventFrame(format, event)).join(''))
}
