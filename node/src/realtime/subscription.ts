import { type CloseReason, DredError, encodeCursor, originOf, type VersionVector } from '@dred/protocol'
import type { TrackedChannel } from '../channel-tracker.ts'
import { advance, readForward } from '../log-reader.ts'
import type { LoggedMessage, Store } from '../store/port.ts'
import { caughtUpFrame, closeFrame, errorFrame, keepaliveFrame, messageFrame, openFrame, type StreamFormat } from './format.ts'
import type { Sink } from './sink.ts'

/** Characters of announced messages that are held while history is read; beyond that they are read from the store too. */
const HELD_CHARACTERS = 1_048_576
/** Characters of history that are gathered before they are written. */
const HISTORY_CHUNK = 65_536
/** Time that the reader of a closed stream has to take what was written. */
const CLOSE_GRACE_MS = 10_000

export interface SubscriptionOptions {
  channel: TrackedChannel
  /** What the reader has. */
  seen: VersionVector
  sink: Sink
  format: StreamFormat
  /** Registry id of this server. */
  server: number
  onDelivered: (messages: number) => void
  /** For a reader who wants to know on how many servers messages are stored: the frames of what there is to know now. */
  known?: (() => string) | undefined
}

/**
 * `history`: reading what the store has; announced messages are held.
 * `own`: live, but the reader's cursor is ahead of this server's log, so messages are picked for it and have cursors of their own.
 * `shared`: live, the same bytes as everybody else.
 */
type Phase = 'history' | 'own' | 'shared' | 'ended'

/** One reader of one channel: history, then live, each message once. */
export class Subscription {
  readonly channel: TrackedChannel
  readonly format: StreamFormat
  readonly #sink: Sink
  readonly #seen: VersionVector
  readonly #onDelivered: (messages: number) => void
  readonly #server: number
  readonly #known: (() => string) | undefined
  #phase: Phase = 'history'
  /** Undefined after more was announced than is held: the store is then read once more. */
  #held: LoggedMessage[] | undefined = []
  #heldCharacters = 0
  /** Of the last message written in the shared phase. */
  #sharedCursor = ''
  #wroteSinceTick = true
  #stalledTicks = 0

  constructor({ channel, seen, sink, format, server, onDelivered, known }: SubscriptionOptions) {
    this.channel = channel
    this.format = format
    this.#sink = sink
    this.#seen = seen.clone()
    this.#server = server
    this.#onDelivered = onDelivered
    this.#known = known
  }

  get phase(): Phase {
    return this.#phase
  }

  /** State after everything written. */
  get cursor(): string {
    return this.#phase === 'shared' ? this.#sharedCursor : encodeCursor(this.channel.id, this.#seen)
  }

  get bufferedBytes(): number {
    return this.#sink.bufferedBytes
  }

  /**
   * Sends what the store has and goes live. Has to be announced messages ({@link deliver}) from before the call on.
   * @param idle whether the hub has passed on all messages that were announced
   */
  async run(store: Store, idle: () => boolean): Promise<void> {
    this.#write(openFrame(this.format, { channel: this.channel.id, server: this.#server, cursor: this.cursor }))
    try {
      do {
        this.#held = []
        this.#heldCharacters = 0
        await this.#sendHistory(store)
      } while (this.#isReading() && this.#held === undefined)
      if (this.#isReading()) this.#goLive(idle())
    } catch (error) {
      this.#fail(error)
    }
  }

  /**
   * Takes messages of the channel in log order.
   * @param shared their bytes in this subscription's format, with the cursors of the channel
   * @param upTo the channel after them
   */
  deliver(messages: readonly LoggedMessage[], shared: () => Buffer, upTo: Pick<TrackedChannel, 'vector' | 'cursor'>): void {
    switch (this.#phase) {
      case 'shared':
        this.#sharedCursor = upTo.cursor
        this.#writeBytes(shared())
        this.#onDelivered(messages.length)
        return
      case 'own':
        this.#sendMissing(messages)
        this.#shareWhenEqual(upTo)
        return
      case 'history':
        this.#hold(messages)
        return
      case 'ended':
        return
    }
  }

  /** Consecutive ticks in which the reader took nothing of what waits for it. */
  get stalledTicks(): number {
    return this.#stalledTicks
  }

  /** Takes what is new of how far messages are stored: one that is not live yet is told all there is to know once it is. */
  tellStored(bytes: Buffer): void {
    if (this.#phase === 'own' || this.#phase === 'shared') this.#writeBytes(bytes)
  }

  /** To be called regularly: writes a keepalive when nothing was written since the last call. */
  tick(): void {
    if (this.#phase === 'ended') return
    const stalled = !this.#wroteSinceTick && this.#sink.bufferedBytes > 0
    this.#stalledTicks = stalled ? this.#stalledTicks + 1 : 0
    // A keepalive behind what waits to be read would come too late to mean anything.
    if (!this.#wroteSinceTick && !stalled) this.#write(keepaliveFrame(this.format, this.cursor))
    this.#wroteSinceTick = false
  }

  /** Ends the stream with a `close` event. */
  close(reason: CloseReason, retryMs: number): void {
    if (this.#phase === 'ended') return
    this.#write(closeFrame(this.format, { reason, retryMs, cursor: this.cursor }))
    this.detach()
    this.#sink.end(CLOSE_GRACE_MS)
  }

  /** Stops writing: the reader has gone. */
  detach(): void {
    this.#phase = 'ended'
    this.#held = undefined
  }

  /** A method, so that control flow analysis does not take the phase for constant across an await. */
  #isReading(): boolean {
    return this.#phase === 'history'
  }

  async #sendHistory(store: Store): Promise<void> {
    let text = ''
    let messages = 0
    const flush = async (): Promise<void> => {
      if (text === '') return
      this.#write(text)
      this.#onDelivered(messages)
      text = ''
      messages = 0
      await this.#sink.drained()
    }
    for await (const message of readForward(store, this.channel.id, this.#seen.clone())) {
      if (!this.#isReading()) return
      text += this.#frame(message)
      messages++
      if (text.length >= HISTORY_CHUNK) await flush()
    }
    if (this.#isReading()) await flush()
  }

  #goLive(idle: boolean): void {
    this.#phase = 'own'
    const held = this.#held ?? []
    this.#held = undefined
    this.#sendMissing(held)
    this.#write(caughtUpFrame(this.format, this.cursor) + (this.#known?.() ?? ''))
    if (idle) this.#shareWhenEqual(this.channel)
  }

  #hold(messages: readonly LoggedMessage[]): void {
    this.#held?.push(...messages)
    for (const { entry } of messages) this.#heldCharacters += entry.canonical.length
    if (this.#heldCharacters > HELD_CHARACTERS) this.#held = undefined
  }

  #sendMissing(messages: readonly LoggedMessage[]): void {
    const missing = messages.filter(({ entry }) => !this.#seen.has(originOf(entry.coordinate), entry.coordinate.n))
    if (missing.length === 0) return
    this.#write(missing.map((message) => this.#frame(message)).join(''))
    this.#onDelivered(missing.length)
  }

  /** The frame of a message that the reader lacks, counted as seen. */
  #frame(message: LoggedMessage): string {
    advance(this.#seen, message)
    return messageFrame(this.format, message.entry, this.cursor)
  }

  #shareWhenEqual({ vector, cursor }: Pick<TrackedChannel, 'vector' | 'cursor'>): void {
    if (!vector.covers(this.#seen)) return
    this.#sharedCursor = cursor
    this.#phase = 'shared'
  }

  #fail(error: unknown): void {
    if (this.#phase === 'ended') return
    if (error instanceof DredError && error.code === 'store_unavailable') {
      this.close('store_unavailable', 1_000)
      return
    }
    const problem = error instanceof DredError ? error : new DredError('internal', { cause: error })
    this.#write(errorFrame(this.format, problem.toProblem(), this.cursor))
    this.detach()
    this.#sink.end(CLOSE_GRACE_MS)
  }

  #write(text: string): void {
    this.#writeBytes(Buffer.from(text))
  }

  #writeBytes(bytes: Buffer): void {
    this.#wroteSinceTick = true
    this.#sink.write(bytes)
  }
}
