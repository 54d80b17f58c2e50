import { type CloseReason, DredError, type PresenceEvent } from '@dred/protocol'
import type { StreamStart } from '../channels.ts'
import { type ChannelTracker, channelExpiresAt, type TrackedChannel } from '../channel-tracker.ts'
import type { Presence } from '../presence/presence.ts'
import type { LoggedMessage, Store } from '../store/port.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import { Feed } from './feed.ts'
import type { StreamFormat } from './format.ts'
import type { Sink } from './sink.ts'
import type { StoredLevels } from './stored-levels.ts'
import { Subscription, type SubscriptionContext } from './subscription.ts'

/** Who is in which channel. */
export type PresenceSource = Pick<Presence, 'list' | 'onChange'>

export interface HubOptions {
  store: Store
  tracker: ChannelTracker
  levels: StoredLevels
  presence?: PresenceSource | undefined
  /** Registry id of this server. */
  server: number
  /** Bytes that a live reader may leave unread before it is cut. */
  maxBufferedBytes: number
  maxStreams: number
  /** Channels that all streams follow together, each counted as often as it is followed. */
  maxSubscriptions: number
  /** Longest silence on a stream, in milliseconds. */
  keepaliveMs: number
  /** Longest time, in milliseconds, that a message is held to be written together with others when many read the channel. */
  coalesceMs: number
  /** What one write takes, in milliseconds. */
  writeMs?: number
  onDelivered: (messages: number) => void
  /** Told of messages of a channel that were written together to all its readers, `ms` after the first was announced. */
  onPassedOn?: (messages: number, ms: number) => void
  /** Told of streams that end by this server's decision. */
  onClosed?: (reason: CloseReason) => void
  /** Told of an error that nobody foresaw and that ended the following of a channel. */
  onFault?: (error: unknown, channel: string) => void
}

const TICKS_PER_KEEPALIVE = 2.5
const MAX_STALLED_TICKS = 10
/** Measured with all that goes with it; most of it is the system's. */
const WRITE_MS = 0.01
/** Characters of messages from which on waiting for more gains nothing. */
const FULL_CHARACTERS = 65_536
/** Waits shorter than this are not worth a timer. */
const LEAST_WAIT_MS = 0.5

/** What a stream follows of one channel. */
export interface StreamPlan extends StreamStart {
  /** Whether it tells on how many servers messages are stored. */
  receipts?: boolean
  /** Whether it tells who is present. */
  presence?: boolean
}

/** Passes announced messages on to the streams of this process: one buffer a round and format, whoever many read it. */
export class Hub {
  readonly #options: HubOptions
  readonly #context: SubscriptionContext
  readonly #feeds = new Map<string, Feed>()
  readonly #connections = new Set<Connection>()
  readonly #keepalive: NodeJS.Timeout
  readonly #stops: (() => void)[]
  /** Those with messages to pass on at the end of this turn of the event loop, and those that wait for more to pass on together. */
  readonly #due = new Set<Feed>()
  readonly #later = new Map<Feed, NodeJS.Timeout>()
  #subscriptions = 0

  constructor(options: HubOptions) {
    this.#options = options
    this.#context = options
    this.#stops = [options.tracker.onMessage((channel, message) => this.#announce(channel, message))]
    const { presence } = options
    if (presence) this.#stops.push(presence.onChange((event) => this.#feeds.get(event.channel)?.presence.changed(event)))
    // A stream is silent for at most two ticks.
    this.#keepalive = setInterval(() => this.#tick(), options.keepaliveMs / TICKS_PER_KEEPALIVE)
    this.#keepalive.unref()
  }

  /** Streams that are open now. */
  get streams(): number {
    return this.#connections.size
  }

  /** Channels that they may follow together. */
  get subscriptions(): number {
    return this.#subscriptions
  }

  /** Whether the channel is in use by a stream. */
  has(channel: string): boolean {
    return this.#feeds.has(channel)
  }

  /**
   * @param channels that a stream is to follow
   * @throws DredError `too_many_streams`
   */
  assertCapacity(channels = 1): void {
    const { maxStreams, maxSubscriptions } = this.#options
    if (this.streams >= maxStreams || this.#subscriptions + channels > maxSubscriptions) throw new DredError('too_many_streams')
  }

  /** @throws DredError `too_many_streams`; `store_unavailable` when the store was out of reach since the start was determined */
  assertOpenable(start: StreamStart): void {
    this.assertCapacity()
    this.#assertCurrent(start)
  }

  /**
   * Opens a stream of one channel; it ends by itself when the reader leaves.
   * @throws DredError as {@link assertOpenable}
   */
  open(plan: StreamPlan, sink: Sink, format: StreamFormat): void {
    this.assertOpenable(plan)
    const connection = this.#connect({ sink, format, many: false }, 1)
    void this.follow(connection, plan)
    connection.opened()
  }

  /**
   * Opens a stream that is going to {@link follow} so many channels; it ends by itself when the reader leaves.
   * @throws DredError as {@link assertCapacity}
   */
  openMany(channels: number, sink: Sink, format: StreamFormat): Connection {
    this.assertCapacity(channels)
    return this.#connect({ sink, format, many: true }, channels)
  }

  /**
   * Follows a channel on a stream that is open.
   * @returns once its history was written, or it has ended
   * @throws DredError `store_unavailable` as {@link assertOpenable}
   */
  async follow(connection: Connection, plan: StreamPlan): Promise<void> {
    if (connection.ended) return
    this.#assertCurrent(plan)
    const { channel, seen, receipts = false, presence = false, judge } = plan
    const feed = this.#feeds.get(channel.id) ?? this.#feedOf(channel)
    const subscription = new Subscription({ feed, seen, connection, judge, context: this.#context })
    feed.add(subscription, { receipts, presence })
    connection.add(subscription)
    await subscription.run()
  }

  /** Ends the streams of one channel; of those with others only that channel. */
  closeChannel(id: string, reason: CloseReason, retryMs: number): void {
    this.#flush()
    for (const subscription of this.#feeds.get(id)?.subscriptions ?? []) subscription.close(reason, retryMs)
  }

  /** Ends all streams, spreading their return over `retryMs` to twice that. */
  closeAll(reason: CloseReason, retryMs: number): void {
    this.#flush()
    for (const connection of this.#connections) connection.close(reason, Math.round(retryMs * (1 + Math.random())))
  }

  /** Ends the streams of channels that expired before `now` (Unix ms). */
  closeExpired(now: number): void {
    for (const { channel } of this.#feeds.values()) {
      if (channelExpiresAt(channel) <= now) this.closeChannel(channel.id, 'channel_expired', 0)
    }
  }

  stop(): void {
    clearInterval(this.#keepalive)
    for (const timer of this.#later.values()) clearTimeout(timer)
    for (const stop of this.#stops) stop()
  }

  #assertCurrent({ channel }: StreamStart): void {
    if (this.#options.tracker.peek(channel.id) !== channel) throw new DredError('store_unavailable')
  }

  #connect(options: Pick<ConnectionOptions, 'sink' | 'format' | 'many'>, channels: number): Connection {
    const { maxBufferedBytes, onClosed, onFault } = this.#options
    const connection = new Connection({ ...options, maxBufferedBytes, onClosed, onFault })
    this.#connections.add(connection)
    this.#subscriptions += channels
    options.sink.onClose(() => {
      this.#subscriptions -= channels
      this.#connections.delete(connection)
      connection.detach()
    })
    return connection
  }

  #feedOf(channel: TrackedChannel): Feed {
    const feed = new Feed(channel, {
      levels: this.#options.levels,
      present: () => this.#present(channel.id),
      flush: () => this.#flush(),
      emptied: () => {
        if (this.#feeds.get(channel.id) === feed) this.#feeds.delete(channel.id)
      },
    })
    this.#feeds.set(channel.id, feed)
    return feed
  }

  #present(channel: string): PresenceEvent[] {
    const { presence } = this.#options
    return (presence?.list(channel) ?? []).map(({ key, data, expiresAt }) => {
      const said = data === undefined ? {} : { data }
      return { type: 'presence', channel, key, ...said, state: 'enter', expiresAt }
    })
  }

  #announce(channel: TrackedChannel, message: LoggedMessage): void {
    const feed = this.#feeds.get(channel.id)
    if (!feed || feed.channel !== channel) return
    feed.announce(message)
    if (this.#due.has(feed)) return
    const waitMs = feed.pendingCharacters < FULL_CHARACTERS ? feed.pauseUntil - performance.now() : 0
    if (waitMs < LEAST_WAIT_MS) {
      // Before receipts are signed and other requests are read, but after all that came with this message.
      if (this.#due.size === 0) process.nextTick(() => this.#passOn(this.#due))
      this.#due.add(feed)
    } else if (!this.#later.has(feed)) {
      const timer = setTimeout(() => this.#passOn([feed]), waitMs)
      this.#later.set(feed, timer)
    }
  }

  #flush(): void {
    this.#passOn([...this.#due, ...this.#later.keys()])
  }

  #passOn(feeds: Iterable<Feed>): void {
    let delivered = 0
    for (const feed of feeds) {
      clearTimeout(this.#later.get(feed))
      this.#later.delete(feed)
      this.#due.delete(feed)
      const { pendingMessages, pendingSince } = feed
      delivered += feed.flush()
      const now = performance.now()
      if (pendingMessages > 0) this.#options.onPassedOn?.(pendingMessages, now - pendingSince)
      feed.pauseUntil = now + this.#pauseMs(feed)
    }
    if (delivered > 0) this.#options.onDelivered(delivered)
  }

  /** Writing is to take a third of the time at most: the longer it takes, the more one write is to carry. */
  #pauseMs({ subscriptions }: Feed): number {
    const { coalesceMs, writeMs = WRITE_MS } = this.#options
    return Math.min(coalesceMs, 2 * writeMs * subscriptions.size)
  }

  #tick(): void {
    for (const feed of this.#feeds.values()) for (const subscription of feed.subscriptions) subscription.judge()
    for (const connection of this.#connections) {
      connection.tick()
      if (connection.stalledTicks >= MAX_STALLED_TICKS) connection.close('slow_reader', 100)
    }
  }
}
