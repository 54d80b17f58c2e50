import { type CloseReason, DredError, type StoredEvent } from '@dred/protocol'
import type { StreamStart } from '../channels.ts'
import { type ChannelTracker, channelExpiresAt, type TrackedChannel } from '../channel-tracker.ts'
import type { LoggedMessage, Store } from '../store/port.ts'
import { messageFrame, storedFrame, type StreamFormat } from './format.ts'
import type { Sink } from './sink.ts'
import type { Follower, StoredLevels } from './stored-levels.ts'
import { Subscription } from './subscription.ts'

export interface HubOptions {
  store: Store
  tracker: ChannelTracker
  levels: StoredLevels
  /** Registry id of this server. */
  server: number
  /** Bytes that a live reader may leave unread before it is cut. */
  maxBufferedBytes: number
  maxStreams: number
  /** Longest silence on a stream, in milliseconds. */
  keepaliveMs: number
  onDelivered: (messages: number) => void
}

const TICKS_PER_KEEPALIVE = 2.5
const MAX_STALLED_TICKS = 10

interface Pending {
  message: LoggedMessage
  cursor: string
}

interface Feed {
  channel: TrackedChannel
  subscriptions: Set<Subscription>
  /** Announced in this turn of the event loop. */
  pending: Pending[]
  /** Those of the subscriptions that tell on how many servers messages are stored, while there are any. */
  ladder?: { follower: Follower; subscriptions: Set<Subscription> } | undefined
}

/** A stream to be opened. */
export interface StreamPlan extends StreamStart {
  /** Whether it tells on how many servers messages are stored. */
  receipts?: boolean
}

/** Passes announced messages on to the streams of this process: one buffer a turn and format, whoever many read it. */
export class Hub {
  readonly #options: HubOptions
  readonly #feeds = new Map<string, Feed>()
  readonly #keepalive: NodeJS.Timeout
  readonly #stopListening: () => void
  #dirty = new Set<Feed>()
  #streams = 0

  constructor(options: HubOptions) {
    this.#options = options
    this.#stopListening = options.tracker.onMessage((channel, message) => this.#announce(channel, message))
    // A stream is silent for at most two ticks.
    this.#keepalive = setInterval(() => this.#tick(), options.keepaliveMs / TICKS_PER_KEEPALIVE)
    this.#keepalive.unref()
  }

  /** Streams that are open now. */
  get streams(): number {
    return this.#streams
  }

  /** Whether the channel is in use by a stream. */
  has(channel: string): boolean {
    return this.#feeds.has(channel)
  }

  /** @throws DredError `too_many_streams` */
  assertCapacity(): void {
    if (this.#streams >= this.#options.maxStreams) throw new DredError('too_many_streams')
  }

  /** @throws DredError `too_many_streams`; `store_unavailable` when the store was out of reach since the start was determined */
  assertOpenable({ channel }: StreamStart): void {
    this.assertCapacity()
    if (this.#options.tracker.peek(channel.id) !== channel) throw new DredError('store_unavailable')
  }

  /**
   * Opens a stream; it ends by itself when the reader leaves.
   * @throws DredError as {@link assertOpenable}
   */
  open(plan: StreamPlan, sink: Sink, format: StreamFormat): Subscription {
    this.assertOpenable(plan)
    const { channel, seen, receipts = false } = plan
    const { store, server, onDelivered } = this.#options
    const feed: Feed = this.#feeds.get(channel.id) ?? { channel, subscriptions: new Set(), pending: [] }
    const known = receipts ? () => storedFrames(format, feed.ladder?.follower.known() ?? []) : undefined
    const subscription = new Subscription({ channel: feed.channel, seen, sink, format, server, onDelivered, known })
    if (receipts) this.#climb(feed, subscription)
    this.#feeds.set(channel.id, feed)
    feed.subscriptions.add(subscription)
    this.#streams++
    sink.onClose(() => {
      subscription.detach()
      this.#remove(feed, subscription)
    })
    void subscription.run(store, () => feed.pending.length === 0)
    return subscription
  }

  /** Ends the streams of one channel. */
  closeChannel(id: string, reason: CloseReason, retryMs: number): void {
    this.#flush()
    for (const subscription of this.#feeds.get(id)?.subscriptions ?? []) subscription.close(reason, retryMs)
  }

  /** Ends all streams, spreading their return over `retryMs` to twice that. */
  closeAll(reason: CloseReason, retryMs: number): void {
    this.#flush()
    for (const { subscriptions } of this.#feeds.values()) {
      for (const subscription of subscriptions) subscription.close(reason, Math.round(retryMs * (1 + Math.random())))
    }
    this.#feeds.clear()
  }

  /** Ends the streams of channels that expired before `now` (Unix ms). */
  closeExpired(now: number): void {
    for (const { channel } of this.#feeds.values()) {
      if (channelExpiresAt(channel) <= now) this.closeChannel(channel.id, 'channel_expired', 0)
    }
  }

  stop(): void {
    clearInterval(this.#keepalive)
    this.#stopListening()
  }

  #announce(channel: TrackedChannel, message: LoggedMessage): void {
    const feed = this.#feeds.get(channel.id)
    if (!feed || feed.channel !== channel) return
    feed.pending.push({ message, cursor: channel.cursor })
    if (feed.ladder) this.#options.levels.changed()
    if (this.#dirty.size === 0) setImmediate(() => this.#flush())
    this.#dirty.add(feed)
  }

  #flush(): void {
    const feeds = this.#dirty
    this.#dirty = new Set()
    for (const feed of feeds) this.#flushFeed(feed)
  }

  #flushFeed(feed: Feed): void {
    const pending = feed.pending
    feed.pending = []
    const messages = pending.map(({ message }) => message)
    const shared = onePerFormat((format) => pending.map(({ message, cursor }) => messageFrame(format, message.entry, cursor)).join(''))
    for (const subscription of feed.subscriptions) {
      subscription.deliver(messages, () => shared(subscription.format), feed.channel)
      this.#cutWhenSlow(subscription)
    }
  }

  #climb(feed: Feed, subscription: Subscription): void {
    const { levels } = this.#options
    const ladder = feed.ladder ?? {
      follower: levels.follow(feed.channel, (events) => this.#tellStored(feed, events)),
      subscriptions: new Set(),
    }
    ladder.subscriptions.add(subscription)
    feed.ladder = ladder
  }

  #tellStored(feed: Feed, events: readonly StoredEvent[]): void {
    // The messages that the events count go first.
    this.#flush()
    const shared = onePerFormat((format) => storedFrames(format, events))
    for (const subscription of feed.ladder?.subscriptions ?? []) {
      subscription.tellStored(shared(subscription.format))
      this.#cutWhenSlow(subscription)
    }
  }

  #cutWhenSlow(subscription: Subscription): void {
    const live = subscription.phase === 'own' || subscription.phase === 'shared'
    if (live && subscription.bufferedBytes > this.#options.maxBufferedBytes) subscription.close('slow_reader', 100)
  }

  #tick(): void {
    for (const { subscriptions } of this.#feeds.values()) {
      for (const subscription of subscriptions) {
        subscription.tick()
        if (subscription.stalledTicks >= MAX_STALLED_TICKS) subscription.close('slow_reader', 100)
      }
    }
  }

  #remove(feed: Feed, subscription: Subscription): void {
    if (feed.subscriptions.delete(subscription)) this.#streams--
    if (feed.ladder?.subscriptions.delete(subscription) && feed.ladder.subscriptions.size === 0) {
      feed.ladder.follower.stop()
      feed.ladder = undefined
    }
    if (feed.subscriptions.size === 0 && this.#feeds.get(feed.channel.id) === feed) this.#feeds.delete(feed.channel.id)
  }
}

/** One buffer for each format in use, made when it is first asked for. */
function onePerFormat(text: (format: StreamFormat) => string): (format: StreamFormat) => Buffer {
  const made = new Map<StreamFormat, Buffer>()
  return (format) => {
    const bytes = made.get(format) ?? Buffer.from(text(format))
    made.set(format, bytes)
    return bytes
  }
}

function storedFrames(format: StreamFormat, events: readonly StoredEvent[]): string {
  return events.map((event) => storedFrame(format, event)).join('')
}
