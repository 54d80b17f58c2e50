import { type CloseReason, DredError } from '@dred/protocol'
import type { StreamStart } from '../channels.ts'
import { type ChannelTracker, channelExpiresAt, type LoggedEntry, type TrackedChannel } from '../channel-tracker.ts'
import type { Store } from '../store/port.ts'
import { messageFrame, type StreamFormat } from './format.ts'
import type { Sink } from './sink.ts'
import { Subscription } from './subscription.ts'

export interface HubOptions {
  store: Store
  tracker: ChannelTracker
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
  entry: LoggedEntry
  cursor: string
}

interface Feed {
  channel: TrackedChannel
  subscriptions: Set<Subscription>
  /** Announced in this turn of the event loop. */
  pending: Pending[]
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
    this.#stopListening = options.tracker.onMessage((channel, entry) => this.#announce(channel, entry))
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
  open(start: StreamStart, sink: Sink, format: StreamFormat): Subscription {
    this.assertOpenable(start)
    const { channel, seen } = start
    const { store, server, onDelivered } = this.#options
    const feed = this.#feeds.get(channel.id) ?? { channel, subscriptions: new Set(), pending: [] }
    const subscription = new Subscription({ channel: feed.channel, seen, sink, format, server, onDelivered })
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

  #announce(channel: TrackedChannel, entry: LoggedEntry): void {
    const feed = this.#feeds.get(channel.id)
    if (!feed || feed.channel !== channel) return
    feed.pending.push({ entry, cursor: channel.cursor })
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
    const entries = pending.map(({ entry }) => entry)
    const shared = sharedBuffers(pending)
    for (const subscription of feed.subscriptions) {
      subscription.deliver(entries, () => shared(subscription.format), feed.channel)
      const live = subscription.phase === 'own' || subscription.phase === 'shared'
      if (live && subscription.bufferedBytes > this.#options.maxBufferedBytes) subscription.close('slow_reader', 100)
    }
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
    if (feed.subscriptions.size === 0 && this.#feeds.get(feed.channel.id) === feed) this.#feeds.delete(feed.channel.id)
  }
}

/** One buffer for each format in use, made when it is first asked for. */
function sharedBuffers(pending: readonly Pending[]): (format: StreamFormat) => Buffer {
  const made = new Map<StreamFormat, Buffer>()
  return (format) => {
    let bytes = made.get(format)
    if (!bytes) {
      bytes = Buffer.from(pending.map(({ entry, cursor }) => messageFrame(format, entry, cursor)).join(''))
      made.set(format, bytes)
    }
    return bytes
  }
}
