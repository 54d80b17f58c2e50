import { type CloseReason, DredError, encodeCursor, originOf, type VersionVector } from '@dred/protocol'
import type { TrackedChannel } from '../channel-tracker.ts'
import type { StreamStart } from '../channels.ts'
import { advance, readForward } from '../log-reader.ts'
import type { LoggedMessage, Store } from '../store/port.ts'
import { Chunk } from './chunk.ts'
import type { Connection } from './connection.ts'
import type { Feed } from './feed.ts'
import { messageFrame } from './format.ts'

/** Characters of announced messages that are held while history is read; beyond that they are read from the store too. */
const HELD_CHARACTERS = 1_048_576
/** Characters of history that are gathered before they are written. */
const HISTORY_CHUNK = 65_536

/** What is the same for all subscriptions of a server. */
export interface SubscriptionContext {
  store: Store
  /** Registry id of this server. */
  server: number
  onDelivered: (messages: number) => void
}

export interface SubscriptionOptions {
  feed: Feed
  /** What the reader has. */
  seen: VersionVector
  connection: Connection
  /** See {@link StreamStart.judge}. */
  judge?: StreamStart['judge']
  context: SubscriptionContext
}

/**
 * `history`: reading what the store has; announced messages are held.
 * `own`: live, but the reader's cursor is ahead of this server's log, so messages are picked for it and have cursors of their own.
 * `shared`: live, the same bytes as everybody else.
 */
type Phase = 'history' | 'own' | 'shared' | 'ended'

/** What one reader gets of one channel: history, then live, each message once. */
export class Subscription {
  readonly connection: Connection
  readonly #feed: Feed
  readonly #context: SubscriptionContext
  readonly #judge: StreamStart['judge']
  #phase: Phase = 'history'
  #seen: VersionVector
  /** Undefined after more was announced than is held: the store is then read once more. */
  #held: LoggedMessage[] | undefined = []
  #heldCharacters = 0
  /** Of the last message written in the shared phase. */
  #sharedCursor = ''

  constructor({ feed, seen, connection, judge, context }: SubscriptionOptions) {
    this.#feed = feed
    this.#seen = seen.clone()
    this.connection = connection
    this.#context = context
    this.#judge = judge
  }

  get isLive(): boolean {
    return this.#phase === 'own' || this.#phase === 'shared'
  }

  /** State after everything written. */
  get cursor(): string {
    return this.#phase === 'shared' ? this.#sharedCursor : encodeCursor(this.#channel.id, this.#seen)
  }

  /**
   * Sends what the store has and goes live. Has to be announced messages ({@link deliver}) from before the call on.
   * @returns once it is live or has ended
   */
  async run(): Promise<void> {
    const { server } = this.#context
    this.connection.tell({ type: 'open', channel: this.#channel.id, server, cursor: this.cursor })
    try {
      do {
        this.#held = []
        this.#heldCharacters = 0
        await this.#sendHistory()
      } while (this.#isReading() && this.#held === undefined)
      if (this.#isReading()) this.#goLive()
    } catch (error) {
      this.#fail(error)
    }
  }

  /**
   * Takes messages of the channel in log order.
   * @param shared their bytes in this subscription's format, with the cursors of the channel
   * @param upTo the channel after them
   * @returns how many of them were written
   */
  deliver(messages: readonly LoggedMessage[], shared: Chunk, upTo: Pick<TrackedChannel, 'vector' | 'cursor'>): number {
    switch (this.#phase) {
      case 'shared':
        this.#sharedCursor = upTo.cursor
        this.connection.write(shared)
        return messages.length
      case 'own': {
        const missing = this.#sendMissing(messages)
        this.#shareWhenEqual(upTo)
        return missing
      }
      case 'history':
        this.#hold(messages)
        return 0
      case 'ended':
        return 0
    }
  }

  /** Ends when its reader may not read any more. */
  judge(): void {
    this.#judge?.().catch((error: unknown) => this.#fail(error))
  }

  /** Ends with a `close` event, and the stream too when it carries no other channel. */
  close(reason: CloseReason, retryMs: number): void {
    if (this.#phase === 'ended') return
    if (!this.connection.many) {
      this.connection.close(reason, retryMs)
      return
    }
    this.connection.tell({ type: 'close', channel: this.#channel.id, reason, retryMs, cursor: this.cursor })
    this.detach()
  }

  /** Takes nothing any more. */
  detach(): void {
    if (this.#phase === 'ended') return
    this.#phase = 'ended'
    this.#held = undefined
    this.#feed.remove(this)
    this.connection.remove(this)
  }

  get #channel(): TrackedChannel {
    return this.#feed.channel
  }

  /** A method, so that control flow analysis does not take the phase for constant across an await. */
  #isReading(): boolean {
    return this.#phase === 'history'
  }

  async #sendHistory(): Promise<void> {
    let text = ''
    let messages = 0
    const flush = async (): Promise<void> => {
      if (text === '') return
      this.connection.write(new Chunk(text))
      this.#context.onDelivered(messages)
      text = ''
      messages = 0
      await this.connection.drained()
    }
    for await (const message of readForward(this.#context.store, this.#channel.id, this.#seen.clone())) {
      if (!this.#isReading()) return
      text += this.#frame(message)
      messages++
      if (text.length >= HISTORY_CHUNK) await flush()
    }
    if (this.#isReading()) await flush()
  }

  #goLive(): void {
    this.#phase = 'own'
    const held = this.#held ?? []
    this.#held = undefined
    this.#context.onDelivered(this.#sendMissing(held))
    const of = this.connection.many ? { channel: this.#channel.id } : undefined
    this.connection.tell({ type: 'control', ...of, cursor: this.cursor, caughtUp: true })
    this.#feed.live(this)
    if (this.#feed.idle) this.#shareWhenEqual(this.#channel)
  }

  #hold(messages: readonly LoggedMessage[]): void {
    this.#held?.push(...messages)
    for (const { entry } of messages) this.#heldCharacters += entry.canonical.length
    if (this.#heldCharacters > HELD_CHARACTERS) this.#held = undefined
  }

  /** @returns how many they were */
  #sendMissing(messages: readonly LoggedMessage[]): number {
    const missing = messages.filter(({ entry }) => !this.#seen.has(originOf(entry.coordinate), entry.coordinate.n))
    if (missing.length > 0) this.connection.write(new Chunk(missing.map((message) => this.#frame(message)).join('')))
    return missing.length
  }

  /** The frame of a message that the reader lacks, counted as seen. */
  #frame(message: LoggedMessage): string {
    advance(this.#seen, message)
    return messageFrame(this.connection.format, message.entry, this.cursor)
  }

  #shareWhenEqual({ vector, cursor }: Pick<TrackedChannel, 'vector' | 'cursor'>): void {
    if (!vector.covers(this.#seen)) return
    this.#sharedCursor = cursor
    this.#phase = 'shared'
    // No longer its own.
    this.#seen = vector
  }

  #fail(error: unknown): void {
    if (this.#phase === 'ended') return
    if (error instanceof DredError && error.code === 'store_unavailable') {
      this.close('store_unavailable', 1_000)
      return
    }
    this.connection.tellError(error, this.#channel.id, this.cursor)
    if (this.connection.many) this.detach()
    else this.connection.end()
  }
}
