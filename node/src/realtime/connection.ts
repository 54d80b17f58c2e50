import { type CloseReason, DredError, type ManyStreamEvent, routes, type StoredEvent, type StreamEvent } from '@dred/protocol'
import { tellProblem } from '../observability/problem-channel.ts'
import { Chunk } from './chunk.ts'
import { eventFrame, type StreamFormat } from './format.ts'
import type { Sink } from './sink.ts'
import type { Subscription } from './subscription.ts'

/** Time that the reader of a closed stream has to take what was written. */
const CLOSE_GRACE_MS = 10_000

export interface ConnectionOptions {
  sink: Sink
  format: StreamFormat
  /** Whether it carries many channels, so that events name theirs. */
  many: boolean
  /** Bytes that the reader of what is live may leave unread before it is cut. */
  maxBufferedBytes: number
  onClosed?: ((reason: CloseReason) => void) | undefined
  /** Told of what nobody foresaw. */
  onFault?: ((error: unknown, channel: string) => void) | undefined
}

/** One stream to one reader: what the subscriptions to one channel or to many are written to. */
export class Connection {
  readonly format: StreamFormat
  readonly many: boolean
  readonly #sink: Sink
  readonly #maxBufferedBytes: number
  readonly #onClosed: ConnectionOptions['onClosed']
  readonly #onFault: ConnectionOptions['onFault']
  /** Nearly always one: a list takes the least room. */
  #subscriptions: Subscription[] = []
  /** Of many channels: what one turn of the event loop brings, written together. */
  #gathered: Chunk[] = []
  /** Of many channels: up to which count storage has been told, by what is said. */
  #told: Map<string, number> | undefined
  #wroteSinceTick = true
  #stalledTicks = 0
  #ended = false
  /** Whether channels are still to come. */
  #opening = true

  constructor({ sink, format, many, maxBufferedBytes, onClosed, onFault }: ConnectionOptions) {
    this.format = format
    this.many = many
    this.#sink = sink
    this.#maxBufferedBytes = maxBufferedBytes
    this.#onClosed = onClosed
    this.#onFault = onFault
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Consecutive ticks in which the reader took nothing of what waits for it. */
  get stalledTicks(): number {
    return this.#stalledTicks
  }

  add(subscription: Subscription): void {
    this.#subscriptions.push(subscription)
  }

  /** All channels that were asked for are followed or have failed. */
  opened(): void {
    this.#opening = false
    this.#endWithoutChannels()
  }

  write(chunk: Chunk): void {
    if (this.#ended) return
    this.#wroteSinceTick = true
    if (!this.many) {
      this.#sink.write(chunk)
      return
    }
    if (this.#gathered.length === 0) queueMicrotask(() => this.#writeGathered())
    this.#gathered.push(chunk)
  }

  /** @param cursor see {@link eventFrame} */
  tell(event: StreamEvent | ManyStreamEvent, cursor?: string): void {
    this.write(new Chunk(eventFrame(this.format, event, cursor)))
  }

  /** Tells why a channel cannot be followed any more. @param cursor see {@link eventFrame} */
  tellError(error: unknown, channel: string, cursor?: string): void {
    const problem = error instanceof DredError ? error : new DredError('internal', { cause: error })
    if (problem.code === 'internal') this.#onFault?.(error, channel)
    const { method, path } = routes.streamChannel
    tellProblem({ method, route: path, code: problem.code })
    this.tell({ ...problem.toProblem(), type: 'error', ...(this.many ? { channel } : {}) }, cursor)
  }

  /** @param shared the same events in this format */
  tellStored(events: readonly StoredEvent[], shared: Chunk): void {
    if (!this.many) {
      this.write(shared)
      return
    }
    // They say the same of every channel.
    this.#told ??= new Map()
    for (const event of events) {
      const { server, incarnation, servers, stored, n } = event
      const about = `${server}-${incarnation}/${stored}/${servers}`
      if (n <= (this.#told.get(about) ?? 0)) continue
      this.#told.set(about, n)
      this.tell(event)
    }
  }

  /** To be called before something live is written: however much comes at once, only what is left of before makes a reader slow. */
  cutWhenSlow(): void {
    if (this.#sink.bufferedBytes > this.#maxBufferedBytes) this.close('slow_reader', 100)
  }

  /** Resolves when what was written has left, see {@link Sink}. */
  drained(): Promise<void> {
    this.#writeGathered()
    return this.#sink.drained()
  }

  /** To be called regularly: writes a keepalive when nothing was written since the last call. */
  tick(): void {
    if (this.#ended) return
    const stalled = !this.#wroteSinceTick && this.#sink.bufferedBytes > 0
    this.#stalledTicks = stalled ? this.#stalledTicks + 1 : 0
    // A keepalive behind what waits to be read would come too late to mean anything.
    if (!this.#wroteSinceTick && !stalled) this.tell({ type: 'keepalive', ...this.#cursor })
    this.#wroteSinceTick = false
  }

  /** Ends the stream, and all its subscriptions, with a `close` event. */
  close(reason: CloseReason, retryMs: number): void {
    if (this.#ended) return
    this.tell({ type: 'close', reason, retryMs, ...this.#cursor })
    this.#onClosed?.(reason)
    this.end()
  }

  /** Ends the stream after what was written. */
  end(): void {
    if (this.#ended) return
    this.#writeGathered()
    this.detach()
    this.#sink.end(CLOSE_GRACE_MS)
  }

  /** Stops writing: the reader has gone. */
  detach(): void {
    this.#ended = true
    this.#gathered = []
    for (const subscription of this.#subscriptions.splice(0)) subscription.detach()
  }

  /** One channel can be followed no more; without any the stream ends. */
  remove(subscription: Subscription): void {
    const place = this.#subscriptions.indexOf(subscription)
    if (place !== -1) this.#subscriptions.splice(place, 1)
    this.#endWithoutChannels()
  }

  #endWithoutChannels(): void {
    if (!this.#opening && !this.#ended && this.#subscriptions.length === 0) this.close('no_channels', 0)
  }

  /** Of one channel: the state after everything written. */
  get #cursor(): { cursor: string } | undefined {
    const [only] = this.many ? [] : this.#subscriptions
    return only && { cursor: only.cursor }
  }

  #writeGathered(): void {
    if (this.#gathered.length === 0) return
    const chunks = this.#gathered
    this.#gathered = []
    this.#sink.write(...chunks)
  }
}
