import { decodeCursor, encodeCursor, limits, type StreamEvent, VersionVector } from '@dred/protocol'
import type { Server } from '../discovery.ts'
import { DredClientError } from '../errors.ts'
import { type Message, readMessage } from '../message.ts'

type MessageEvent = Extract<StreamEvent, { type: 'message' }>

const REMEMBERED = 32_768
/** Of a cursor's characters: for the origins that servers add to what they were asked for. */
const SERVERS_ROOM = 1_024

export interface InboxOptions {
  /** Where the application wants to begin, when it said so. */
  cursor: string | undefined
  /** Takes each message at once, in the order of the calls; resolves when there is room for more. */
  deliver: (message: Message) => Promise<void>
  /** Ids that are remembered. A stream may lag behind the others by half of that before it has to skip what they brought. */
  remembered?: number
}

/** One server's stream as the inbox knows it. */
export interface Source {
  readonly server: Server
  /** It delivered something invalid: its word on what has been delivered counts no more. */
  tainted: boolean
  /** Messages that others brought first and this one not yet. */
  lag: number
}

/**
 * Where the streams of one subscription meet: verifies each message, lets each id pass once, and keeps the cursor behind
 * everything that passed.
 */
export class Inbox {
  readonly #channel: string
  readonly #deliver: (message: Message) => Promise<void>
  readonly #remembered: number
  readonly #seen = new Set<string>()
  #position: VersionVector | undefined
  /** `#position` as text. */
  #cursor: string | undefined

  constructor(channel: string, options: InboxOptions) {
    this.#channel = channel
    this.#position = options.cursor === undefined ? undefined : decodeCursor(channel, options.cursor)
    this.#cursor = options.cursor
    this.#deliver = options.deliver
    this.#remembered = options.remembered ?? REMEMBERED
  }

  /** Behind everything that has passed; undefined until the first stream has said where it begins. */
  get cursor(): string | undefined {
    return this.#cursor
  }

  /**
   * Takes a message from one of the streams and delivers it, with the subscription's cursor, unless it has passed before.
   * Resolves when the stream may go on reading.
   * @param streams all of them
   * @returns false, and nothing was taken, when the stream lags so far that what it brings may have been forgotten: it has to begin
   *   again from the cursor
   * @throws DredClientError `invalid_message`
   */
  async accept(event: MessageEvent, from: Source, streams: Iterable<Source>): Promise<boolean> {
    if (from.lag > this.#remembered / 2) return false
    // Known ids are not verified again: whatever came under this id is dropped.
    const message = this.#seen.has(event.id) ? undefined : await readMessage(this.#channel, event, from.server)
    // Another stream may have brought it during the verification.
    if (!message || this.#seen.has(message.id)) {
      this.advance(event.cursor, from)
      from.lag = Math.max(0, from.lag - 1)
      return true
    }
    this.advance(event.cursor, from)
    this.#remember(message.id)
    for (const stream of streams) if (stream !== from) stream.lag++
    // Without a word that counts on where this is, going on from here means going on from the start.
    await this.#deliver({ ...message, cursor: this.#cursor ?? encodeCursor(this.#channel, new VersionVector()) })
    return true
  }

  /**
   * Counts what a server says it has delivered, unless it has been caught.
   * @throws DredClientError `invalid_message` when the cursor is none of this channel
   */
  advance(cursor: string, from: Source): void {
    if (!from.tainted) this.skipTo(cursor, from.server)
  }

  /** @throws DredClientError `invalid_message` when the cursor is none of this channel */
  skipTo(cursor: string, server: Server): void {
    if (cursor === this.#cursor) return
    const position = this.#position?.clone() ?? new VersionVector()
    try {
      position.merge(decodeCursor(this.#channel, cursor))
    } catch (cause) {
      throw new DredClientError('invalid_message', { detail: 'The cursor is none of this channel', cause, server: server.endpoint })
    }
    const text = encodeCursor(this.#channel, position)
    // Origins without end, invented perhaps. To stay behind means no more than to be told again what has passed.
    if (text.length > limits.cursorLength - SERVERS_ROOM) return
    this.#position = position
    this.#cursor = text
  }

  #remember(id: string): void {
    this.#seen.add(id)
    if (this.#seen.size <= this.#remembered) return
    const [oldest] = this.#seen
    if (oldest !== undefined) this.#seen.delete(oldest)
  }
}
