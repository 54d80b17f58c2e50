import type { StoredEvent } from '@dred/protocol'
import type { TrackedChannel } from '../channel-tracker.ts'
import type { LoggedMessage } from '../store/port.ts'
import { Chunk } from './chunk.ts'
import { eventFrame, messageFrame, onePerFormat, type StreamFormat } from './format.ts'
import type { Follower, StoredLevels } from './stored-levels.ts'
import { PresenceFeed, type PresentNow } from './presence-feed.ts'
import type { Subscription } from './subscription.ts'

interface Pending {
  message: LoggedMessage
  cursor: string
}

export interface FeedOptions {
  levels: StoredLevels
  present: PresentNow
  /** Called when messages are to be passed on before what else there is to tell. */
  flush: () => void
  /** Called when it has lost its last subscription. */
  emptied: (feed: Feed) => void
}

/** One channel and who follows it in this process: each message is laid out once for each format, whoever many read it. */
export class Feed {
  readonly channel: TrackedChannel
  readonly subscriptions = new Set<Subscription>()
  readonly presence: PresenceFeed
  /** Characters of what was announced and not passed on yet. */
  pendingCharacters = 0
  /** When the first of them was announced, by `performance.now()`. */
  pendingSince = 0
  /** Until when a message waits for others, by `performance.now()`. */
  pauseUntil = 0
  readonly #options: FeedOptions
  /** Announced and not passed on yet. */
  #pending: Pending[] = []
  /** Those of the subscriptions that tell on how many servers messages are stored, while there are any. */
  #ladder: { follower: Follower; subscriptions: Set<Subscription> } | undefined

  constructor(channel: TrackedChannel, options: FeedOptions) {
    this.channel = channel
    this.#options = options
    this.presence = new PresenceFeed(options.present)
  }

  /** Messages that were announced and not passed on yet. */
  get pendingMessages(): number {
    return this.#pending.length
  }

  /** Whether all that was announced has been passed on. */
  get idle(): boolean {
    return this.#pending.length === 0
  }

  /** @param wants whether it is told on how many servers messages are stored, and who comes and goes */
  add(subscription: Subscription, { receipts, presence }: { receipts: boolean; presence: boolean }): void {
    this.subscriptions.add(subscription)
    if (presence) this.presence.add(subscription)
    if (!receipts) return
    this.#ladder ??= {
      follower: this.#options.levels.follow(this.channel, (events) => this.#tellStored(events)),
      subscriptions: new Set(),
    }
    this.#ladder.subscriptions.add(subscription)
  }

  remove(subscription: Subscription): void {
    this.presence.remove(subscription)
    if (this.#ladder?.subscriptions.delete(subscription) && this.#ladder.subscriptions.size === 0) {
      this.#ladder.follower.stop()
      this.#ladder = undefined
    }
    if (this.subscriptions.delete(subscription) && this.subscriptions.size === 0) this.#options.emptied(this)
  }

  /** Takes a message that was announced; it is passed on by {@link flush}. */
  announce(message: LoggedMessage): void {
    if (this.#pending.length === 0) this.pendingSince = performance.now()
    this.#pending.push({ message, cursor: this.channel.cursor })
    this.pendingCharacters += message.entry.canonical.length
    if (this.#ladder) this.#options.levels.changed()
  }

  /**
   * Passes on what was announced.
   * @returns how many messages were written, over all subscriptions
   */
  flush(): number {
    const pending = this.#pending
    if (pending.length === 0) return 0
    this.#pending = []
    this.pendingCharacters = 0
    const messages = pending.map(({ message }) => message)
    const shared = onePerFormat(
      (format) => new Chunk(pending.map(({ message, cursor }) => messageFrame(format, message.entry, cursor)).join('')),
    )
    let delivered = 0
    for (const subscription of this.subscriptions) {
      if (subscription.isLive) subscription.connection.cutWhenSlow()
      delivered += subscription.deliver(messages, shared(subscription.connection.format), this.channel)
    }
    return delivered
  }

  /** Tells a subscription that went live what there is to know beside the messages. */
  live(subscription: Subscription): void {
    this.presence.live(subscription)
    if (!this.#ladder?.subscriptions.has(subscription)) return
    const known = this.#ladder.follower.known()
    if (known.length > 0) subscription.connection.tellStored(known, storedChunk(subscription.connection.format, known))
  }

  #tellStored(events: readonly StoredEvent[]): void {
    // The messages that the events count go first.
    this.#options.flush()
    const shared = onePerFormat((format) => storedChunk(format, events))
    for (const { isLive, connection } of this.#ladder?.subscriptions ?? []) {
      // One that is not live yet is told all there is to know once it is.
      if (!isLive) continue
      connection.cutWhenSlow()
      connection.tellStored(events, shared(connection.format))
    }
  }
}

function storedChunk(format: StreamFormat, events: readonly StoredEvent[]): Chunk {
  return new Chunk(events.map((event) => eventFrame(format, event)).join(''))
}
