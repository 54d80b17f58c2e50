import { decodeCursor, limits, type SignedGenesis, type StoredEvent } from '@dred/protocol'
import type { Context } from '../context.ts'
import type { Server } from '../discovery.ts'
import { DredClientError, type DredErrorCode, toClientError } from '../errors.ts'
import { Emitter } from '../events.ts'
import type { Gap, Message } from '../message.ts'
import { linkAbort } from '../signals.ts'
import { type ConnectionState, type StateChange, SubscriptionState } from '../state.ts'
import { Inbox } from './inbox.ts'
import { Ladder, type Stored } from './ladder.ts'
import { BoundedQueue } from './queue.ts'
import type { StreamQuery } from './stream.ts'
import { StreamSet } from './stream-set.ts'

/** Without `from`, `after` and `last`: what is published from now on. At most one of the three. */
export interface SubscribeOptions {
  /** From the oldest message that is kept. */
  from?: 'start'
  /** From behind this cursor: that of a message, or of a page of history. */
  after?: string
  /** From this many of the newest messages on, at most 500, as the first server to answer has them: one that was away may have older ones. */
  last?: number
  /** Whether to be told on how many servers messages are stored: see {@link Subscription.stored} and the event `stored`. */
  receipts?: boolean
  /** Ends the subscription, as `close` does. */
  signal?: AbortSignal
}

export type MessageHandler<T> = (message: Message<T>) => void | Promise<void>

// A type, not an interface: Emitter wants an index signature.
export type SubscriptionEvents = {
  state: StateChange
  /** In its place among the messages; the next message carries it too. */
  gap: Gap
  /** Once, behind the last message of the history that was asked for; what follows is live. */
  caughtUp: undefined
  /**
   * With `receipts`: all messages of the channel that entered at `server` in that incarnation, up to count `n`, are stored on `stored` of
   * `servers` servers, by that server's signed word.
   */
  stored: StoredEvent
}

export interface SubscriptionPlan<T> {
  channel: { id: string; genesis: SignedGenesis }
  options: SubscribeOptions
  /** Called with each message just before the application gets it. */
  delivering: (message: Message) => void
  handler?: MessageHandler<T> | undefined
}

type Item = { kind: 'message'; message: Message } | { kind: 'gap'; gap: Gap } | { kind: 'caughtUp' }

/** Messages waiting for the application; beyond them the streams are not read. */
const QUEUE_CAPACITY = 256

/**
 * The messages of a channel, each once, from several servers at once. Begins at once; ends with `close`, `break`, its signal or
 * the client. Iterating throws when nothing can be had any more: see {@link Subscription.closed}.
 */
export class Subscription<T = unknown> implements AsyncIterableIterator<Message<T>> {
  /** Resolves at the end: with the reason, if it was not the application's wish. Never rejects. */
  readonly closed: Promise<DredClientError | undefined>
  readonly #context: Context
  readonly #plan: Omit<SubscriptionPlan<T>, 'handler'>
  readonly #hasHandler: boolean
  readonly #queue = new BoundedQueue<Item>(QUEUE_CAPACITY)
  readonly #controller = new AbortController()
  readonly #emitter = new Emitter<SubscriptionEvents>()
  readonly #state: SubscriptionState
  readonly #ladder = new Ladder()
  #error: DredClientError | undefined
  #gap: Gap | undefined
  #servers: readonly Server[] = []
  #caughtUp = false

  /** @throws DredClientError `malformed_request` for options that contradict each other, `malformed_cursor`, `cursor_of_another_channel` */
  constructor(context: Context, plan: SubscriptionPlan<T>) {
    const start = startQuery(plan.channel.id, plan.options)
    this.#context = context
    this.#plan = plan
    this.#hasHandler = plan.handler !== undefined
    this.#state = new SubscriptionState({
      clock: context.clock,
      minimum: context.streams.min,
      suspendAfterMs: context.timing.suspendAfterMs,
      changed: (change) => {
        if (change.state === 'closed') context.state.forget(this)
        else context.state.update(this, change.state)
        this.#emitter.emit('state', change)
      },
    })
    context.state.update(this, this.#state.state)
    if (plan.handler) void this.#pump(plan.handler)
    this.closed = this.#run(start)
  }

  get state(): ConnectionState {
    return this.#state.state
  }

  /** The servers that stream to it now. */
  get servers(): readonly Server[] {
    return this.#servers
  }

  /**
   * On how many servers a message is stored, as far as `receipts` have told: the server at which it entered tells, so it has to be one of
   * those that stream, and not to have started again since.
   */
  stored(message: Pick<Message, 'origin'>): Stored {
    return this.#ladder.of(message.origin)
  }

  /** @returns a function that removes the listener */
  on<Name extends keyof SubscriptionEvents>(name: Name, listener: (event: SubscriptionEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** Resolves once a server streams: what is published from then on arrives. @throws DredClientError why that will not be */
  async opened(): Promise<void> {
    const isOpen = (state: ConnectionState): boolean => state === 'connected' || state === 'degraded'
    if (isOpen(this.state)) return
    let stopListening = (): void => undefined
    const opened = new Promise<'opened'>((resolve) => {
      stopListening = this.on('state', ({ state }) => {
        if (isOpen(state)) resolve('opened')
      })
    })
    const outcome = await Promise.race([opened, this.closed])
    stopListening()
    if (outcome !== 'opened') throw outcome ?? new DredClientError('closed', { detail: 'The subscription was closed' })
  }

  /** Ends the subscription; resolves when its streams are closed. */
  async close(): Promise<void> {
    this.#controller.abort(new DredClientError('closed'))
    await this.closed
    // One that has failed counts until the application has closed it.
    this.#context.state.forget(this)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** @throws DredClientError once, at the end, when that was not the application's wish */
  async next(): Promise<IteratorResult<Message<T>, undefined>> {
    if (this.#hasHandler) throw new DredClientError('malformed_request', { detail: 'This subscription has a handler' })
    const message = await this.#next()
    if (message) return { done: false, value: message }
    await this.closed
    if (this.#error) {
      const error = this.#error
      this.#error = undefined
      throw error
    }
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<Message<T>, undefined>> {
    await this.close()
    return { done: true, value: undefined }
  }

  async #next(): Promise<Message<T> | undefined> {
    for (let item = await this.#queue.next(); item !== undefined; item = await this.#queue.next()) {
      if (item.kind === 'caughtUp') {
        this.#emitter.emit('caughtUp', undefined)
        continue
      }
      if (item.kind === 'gap') {
        this.#gap = item.gap
        this.#emitter.emit('gap', item.gap)
        continue
      }
      const message = this.#gap ? { ...item.message, gap: this.#gap } : item.message
      this.#gap = undefined
      this.#plan.delivering(message)
      return message as Message<T>
    }
    return undefined
  }

  async #pump(handler: MessageHandler<T>): Promise<void> {
    for (let message = await this.#next(); message !== undefined; message = await this.#next()) {
      try {
        await handler(message)
      } catch (cause) {
        this.#context.report(new DredClientError('handler_failed', { cause }))
      }
    }
  }

  async #run(start: StreamQuery): Promise<DredClientError | undefined> {
    const { lifetime, report } = this.#context
    const { signal } = this.#plan.options
    const unlink = [lifetime, ...(signal ? [signal] : [])].map((outer) => linkAbort(outer, this.#controller))
    const stopped = (): void => this.#queue.end({ discard: true })
    this.#controller.signal.addEventListener('abort', stopped)
    if (this.#controller.signal.aborted) stopped()
    const error = await this.#streams(start)
      .run(this.#controller.signal)
      .catch((cause: unknown) => toClientError(cause, 'invalid_response'))
    for (const release of unlink) release()
    this.#error = error
    this.#state.end(error && CLIENT_FAILURES.has(error.code) ? 'failed' : 'closed')
    if (error) report(error)
    this.#queue.end({ discard: error === undefined })
    return error
  }

  #climb(event: StoredEvent): void {
    this.#ladder.add(event)
    this.#emitter.emit('stored', event)
  }

  #streams(start: StreamQuery): StreamSet {
    const { channel, options } = this.#plan
    const { receipts = false } = options
    const deliver = (message: Message): Promise<void> => this.#queue.push({ kind: 'message', message })
    return new StreamSet(this.#context, {
      channel: channel.id,
      genesis: channel.genesis,
      start,
      inbox: new Inbox(channel.id, { cursor: start.after, deliver }),
      counted: (healthy) => {
        this.#servers = healthy
        this.#state.openStreams(healthy.length)
      },
      caughtUp: () => {
        if (!this.#caughtUp) void this.#queue.push({ kind: 'caughtUp' })
        this.#caughtUp = true
      },
      gap: (gap) => void this.#queue.push({ kind: 'gap', gap }),
      stored: receipts ? (event) => this.#climb(event) : undefined,
    })
  }
}

/** Only these are the client's failure and not the channel's end. */
const CLIENT_FAILURES: ReadonlySet<DredErrorCode> = new Set<DredErrorCode>([
  'wrong_neighborhood',
  'unregistered_peer',
  'invalid_signature',
  'version_mismatch',
  'unsupported_environment',
])

function startQuery(channel: string, { from, after, last }: SubscribeOptions): StreamQuery {
  const query: StreamQuery = {
    ...(from ? { from } : {}),
    ...(after === undefined ? {} : { after }),
    ...(last === undefined ? {} : { last }),
  }
  if (Object.keys(query).length > 1) throw new DredClientError('malformed_request', { detail: 'Give one of `from`, `after` and `last`' })
  if (last !== undefined && !(Number.isInteger(last) && last >= 0 && last <= limits.pageItems)) {
    throw new DredClientError('malformed_request', { detail: `\`last\` is a whole number from 0 to ${limits.pageItems}` })
  }
  try {
    if (after !== undefined) decodeCursor(channel, after)
  } catch (error) {
    throw toClientError(error, 'malformed_cursor')
  }
  return query
}
