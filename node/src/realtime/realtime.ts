import { type CloseReason, limits } from '@dred/protocol'
import type { ChannelTracker } from '../channel-tracker.ts'
import type { Store } from '../store/port.ts'
import { type RealtimeConfig, realtimeDefaults } from './config.ts'
import { Hub, type HubOptions, type PresenceSource } from './hub.ts'
import { LongPolls } from './long-polls.ts'
import { StoredLevels, type StoredLevelsOptions } from './stored-levels.ts'

export interface RealtimeSettings {
  realtime?: Partial<RealtimeConfig>
  maxStreams: number
  /** Longest silence on a stream, in milliseconds. */
  keepaliveMs?: number
  /** Bytes that the reader of a live stream may leave unread. */
  maxBufferedBytes?: number
}

export interface RealtimeOptions extends Pick<HubOptions, 'onDelivered' | 'onPassedOn' | 'onClosed' | 'onFault'> {
  settings: RealtimeSettings
  store: Store
  tracker: ChannelTracker
  ladder: StoredLevelsOptions
  presence: PresenceSource
  /** Registry id of this server. */
  server: number
}

const MAX_BUFFERED_BYTES = 1_048_576

/** All that waits for messages of this process. */
export class Realtime {
  readonly hub: Hub
  readonly polls: LongPolls
  readonly #levels: StoredLevels

  constructor({ settings, ladder, ...options }: RealtimeOptions) {
    const { coalesceMs, maxSubscriptions, maxPolls } = { ...realtimeDefaults, ...settings.realtime }
    this.#levels = new StoredLevels(ladder)
    this.polls = new LongPolls(options.tracker, maxPolls)
    this.hub = new Hub({
      ...options,
      levels: this.#levels,
      maxBufferedBytes: settings.maxBufferedBytes ?? MAX_BUFFERED_BYTES,
      maxStreams: settings.maxStreams,
      maxSubscriptions,
      keepaliveMs: settings.keepaliveMs ?? limits.keepaliveMs,
      coalesceMs,
    })
  }

  /** Whether somebody waits for messages of the channel. */
  uses(channel: string): boolean {
    return this.hub.has(channel) || this.polls.has(channel)
  }

  /** The store may not be what it was: streams come back for it, and who waits looks again. */
  restart(): void {
    this.hub.closeAll('store_unavailable', 250)
    this.polls.rouse()
  }

  /** Ends streams and answers who waits. */
  closeAll(reason: CloseReason, retryMs: number): void {
    this.hub.closeAll(reason, retryMs)
    this.polls.stop()
  }

  stop(): void {
    this.hub.stop()
    this.#levels.stop()
    this.polls.stop()
  }
}
