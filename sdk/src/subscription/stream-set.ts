import type { SignedGenesis, StoredEvent, StreamEvent } from '@dred/protocol'
import { Bell } from '../clock.ts'
import type { Context } from '../context.ts'
import type { Server } from '../discovery.ts'
import { DredClientError, toClientError } from '../errors.ts'
import { putGenesis } from '../genesis.ts'
import type { Gap } from '../message.ts'
import type { WakeReason } from '../wake.ts'
import type { Inbox } from './inbox.ts'
import { ServerStream, type StreamOwner, type StreamQuery } from './stream.ts'

export interface StreamSetOptions {
  channel: string
  genesis: SignedGenesis
  /** Where the application wants to begin. */
  start: StreamQuery
  inbox: Inbox
  /** Called with the servers whose streams live, whenever they may have changed. */
  counted: (healthy: Server[]) => void
  caughtUp: () => void
  gap: (gap: Gap) => void
  /** When given, the streams tell on how many servers messages are stored. */
  stored?: ((event: StoredEvent) => void) | undefined
}

/** A stream that has lived this long is forgiven its earlier failures. Milliseconds. */
const STABLE_MS = 10_000

/**
 * Keeps a subscription's streams: the minimum of healthy ones, each from another server, and while some of them are in doubt
 * further ones up to the maximum. One loop decides everything; whatever happens only rings its bell.
 */
export class StreamSet implements StreamOwner {
  readonly #context: Context
  readonly #options: StreamSetOptions
  readonly #bell: Bell
  readonly #streams = new Map<number, ServerStream>()
  /** Everything begun and not yet settled. */
  readonly #tasks = new Set<Promise<void>>()
  /** Servers that are being given the genesis, and those that have been. */
  readonly #healing = new Set<number>()
  readonly #healed = new Set<number>()
  /** What each server says that makes going on pointless, until one says otherwise. */
  readonly #refusals = new Map<number, DredClientError>()
  #refreshing = false
  #unusable: DredClientError | undefined

  constructor(context: Context, options: StreamSetOptions) {
    this.#context = context
    this.#options = options
    this.#bell = new Bell(context.clock)
  }

  /** Runs until `signal` aborts. @returns why it ended before, if it did */
  async run(signal: AbortSignal): Promise<DredClientError | undefined> {
    const stopListening = [this.#context.pool.onChange(this.#bell.ring), this.#context.wake.add(this.#onWake)]
    const controller = new AbortController()
    try {
      while (!signal.aborted) {
        const refusal = this.#refusal()
        if (refusal) return refusal
        await this.#bell.wait(this.#balance(controller.signal), signal)
      }
      return undefined
    } finally {
      for (const stop of stopListening) stop()
      controller.abort(new DredClientError('aborted'))
      await Promise.allSettled(this.#tasks)
    }
  }

  readonly #onWake = (reason: WakeReason): void => {
    for (const stream of this.#streams.values()) stream.doubt(reason)
    this.#bell.ring()
  }

  /** Ends and begins streams as needed. @returns milliseconds until it has to look again by itself */
  #balance(signal: AbortSignal): number {
    const { clock, pool, streams: wanted, timing } = this.#context
    this.#endSurplus()
    const now = clock.now()
    const youngest = (stream: ServerStream): boolean => !stream.isOpen && now - stream.startedAt < timing.hedgeMs
    // Until the first stream has said where the subscription begins, a second one would begin elsewhere.
    const { start, inbox } = this.#options
    const minimum = inbox.cursor === undefined && start.from === undefined ? 1 : wanted.min
    for (;;) {
      const promising = [...this.#streams.values()].filter((stream) => stream.isHealthy || youngest(stream))
      const hedge = Math.min(
        ...promising.filter(youngest).map((stream) => stream.startedAt + timing.hedgeMs - now),
        Number.POSITIVE_INFINITY,
      )
      if (promising.length >= minimum) return hedge
      if (pool.refreshDue && !this.#refreshing) this.#refresh(signal)
      const busy = new Set([...this.#streams.keys(), ...this.#healing])
      const server = pool.pick(busy)
      if (server && this.#hasRoom()) this.#begin(server, signal)
      else return Math.min(hedge, this.#streams.size < wanted.max ? this.#chanceInMs(busy) : Number.POSITIVE_INFINITY)
    }
  }

  #chanceInMs(busy: ReadonlySet<number>): number {
    const inMs = this.#context.pool.nextChanceAt(busy) - this.#context.clock.now()
    // While the list is being read, its end rings the bell.
    return this.#refreshing && inMs <= 0 ? Number.POSITIVE_INFINITY : Math.max(1, inMs)
  }

  /** Makes room by giving up a stream that has been caught lying, when it comes to that. */
  #hasRoom(): boolean {
    if (this.#streams.size < this.#context.streams.max) return true
    const tainted = [...this.#streams.values()].find((stream) => stream.tainted)
    if (!tainted) return false
    this.#context.pool.failed(tainted.server, new DredClientError('invalid_message', { server: tainted.server.endpoint }))
    this.#end(tainted)
    return true
  }

  #endSurplus(): void {
    const { min } = this.#context.streams
    const healthy = [...this.#streams.values()].filter((stream) => stream.isHealthy)
    if (healthy.length < min) return
    const kept = new Set(healthy.slice(0, min))
    for (const stream of this.#streams.values()) {
      if (kept.has(stream)) continue
      if (stream.isSuspect) this.#context.pool.failed(stream.server, new DredClientError('timeout', { server: stream.server.endpoint }))
      this.#end(stream)
    }
  }

  #end(stream: ServerStream): void {
    this.#streams.delete(stream.server.id)
    stream.stop()
  }

  #begin(server: Server, signal: AbortSignal): void {
    const { inbox, start, channel: id, genesis } = this.#options
    const from: StreamQuery = inbox.cursor === undefined ? start : { after: inbox.cursor }
    const query: StreamQuery = this.#options.stored ? { ...from, receipts: 'stored' } : from
    const stream = new ServerStream(this.#context, { server, channel: { id, genesis }, query }, this)
    this.#streams.set(server.id, stream)
    this.#track(
      stream.run(signal).then(
        () => void this.#release(stream),
        (error: unknown) => {
          // One that was ended on purpose is no longer listed.
          if (this.#release(stream) && !signal.aborted) this.#failed(stream, toClientError(error, 'stream_interrupted'), signal)
        },
      ),
    )
  }

  #release(stream: ServerStream): boolean {
    const listed = this.#streams.get(stream.server.id) === stream
    if (listed) this.#streams.delete(stream.server.id)
    if (stream.openedAt !== undefined) this.#context.pool.streamEnded(stream.server)
    this.changed()
    return listed
  }

  #failed(stream: ServerStream, error: DredClientError, signal: AbortSignal): void {
    const { clock, pool, report } = this.#context
    const { server } = stream
    if (error.code === 'cursor_expired' && this.#jump(stream, error)) return
    if (error.code === 'unknown_channel') {
      this.#track(this.#heal(server, signal))
      // Once is no failure: it may have been away when the channel was made.
      if (!this.#healed.has(server.id)) return
    }
    if (stream.openedAt !== undefined && clock.now() - stream.openedAt > STABLE_MS) pool.succeeded(server)
    if (!error.retryable && error.code !== 'invalid_message') this.#refusals.set(server.id, error)
    pool.failed(server, error)
    report(error)
  }

  /** What follows the cursor is partly gone: says so, once, and goes on behind the gap. @returns false when that leads nowhere */
  #jump(stream: ServerStream, error: DredClientError): boolean {
    const { inbox, gap } = this.#options
    const { oldest } = error
    const { after } = stream.query
    if (inbox.cursor !== after) return true
    if (oldest === undefined) return false
    try {
      inbox.skipTo(oldest, stream.server)
    } catch {
      return false
    }
    if (inbox.cursor === after) return false
    this.#context.pool.failed(stream.server, error)
    gap({ after, oldest })
    return true
  }

  async #heal(server: Server, signal: AbortSignal): Promise<void> {
    this.#healing.add(server.id)
    try {
      await putGenesis(this.#context, { server, genesis: this.#options.genesis, id: this.#options.channel }, signal)
      this.#healed.add(server.id)
    } catch (error) {
      const cause = toClientError(error, 'network')
      if (signal.aborted) return
      if (!cause.retryable) this.#refusals.set(server.id, cause)
      this.#context.pool.failed(server, cause)
      this.#context.report(cause)
    } finally {
      this.#healing.delete(server.id)
      this.changed()
    }
  }

  #refresh(signal: AbortSignal): void {
    this.#refreshing = true
    this.#track(
      this.#context.pool.refresh(signal).then(
        () => this.#refreshed(),
        (error: unknown) => {
          const reason = toClientError(error, 'discovery_unreachable')
          if (!reason.retryable && !signal.aborted) this.#unusable = reason
          this.#refreshed()
          if (!signal.aborted) this.#context.report(reason)
        },
      ),
    )
  }

  #refreshed(): void {
    this.#refreshing = false
    this.#bell.ring()
  }

  /** Two servers that refuse, or all there are, when none streams: then there is no point in going on. */
  #refusal(): DredClientError | undefined {
    const streaming = [...this.#streams.values()].some((stream) => stream.isOpen)
    if (streaming) return undefined
    if (this.#unusable) return this.#unusable
    const needed = Math.min(2, this.#context.pool.size)
    if (needed === 0 || this.#refusals.size < needed) return undefined
    return [...this.#refusals.values()].at(-1)
  }

  #track(task: Promise<void>): void {
    const tracked = task.finally(() => this.#tasks.delete(tracked))
    this.#tasks.add(tracked)
  }

  opened(stream: ServerStream, event: Extract<StreamEvent, { type: 'open' }>): boolean {
    const { inbox, start } = this.#options
    const { query } = stream
    // Another stream was first to say where the subscription begins: go on from there.
    if (query.after === undefined && query.from === undefined && inbox.cursor !== undefined) return false
    if (inbox.cursor === undefined && start.last === undefined && start.from === undefined) inbox.advance(event.cursor, stream)
    this.#refusals.delete(stream.server.id)
    this.#context.pool.streamOpened(stream.server)
    return true
  }

  async message(stream: ServerStream, event: Extract<StreamEvent, { type: 'message' }>): Promise<void> {
    await this.#unlessInvalid(stream, async () => {
      if (!(await this.#options.inbox.accept(event, stream, this.#streams.values()))) this.#end(stream)
    })
  }

  async progress(stream: ServerStream, event: Extract<StreamEvent, { type: 'control' | 'keepalive' }>): Promise<void> {
    await this.#unlessInvalid(stream, () => this.#options.inbox.advance(event.cursor, stream))
    if (event.type === 'control') this.#options.caughtUp()
  }

  stored(event: StoredEvent): void {
    this.#options.stored?.(event)
  }

  async #unlessInvalid(stream: ServerStream, task: () => Promise<void> | void): Promise<void> {
    const hadCursor = this.#options.inbox.cursor !== undefined
    try {
      await task()
      // Now that it is known where the subscription begins, the other streams can.
      if (!hadCursor) this.#bell.ring()
    } catch (cause) {
      const error = toClientError(cause, 'invalid_message', { server: stream.server.endpoint })
      if (error.code !== 'invalid_message') throw error
      stream.tainted = true
      this.#context.pool.distrust(stream.server)
      this.#context.report(error)
      this.changed()
    }
  }

  changed(): void {
    const healthy = [...this.#streams.values()].filter((stream) => stream.isOpen && !stream.isSuspect)
    this.#options.counted(healthy.map(({ server }) => server))
    this.#bell.ring()
  }
}
