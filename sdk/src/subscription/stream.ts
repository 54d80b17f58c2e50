import { describeMismatch, isErrorCode, routeUrl, type SignedGenesis, type StreamEvent, streamEvents } from '@dred/protocol'
import type { Context } from '../context.ts'
import { STALE } from '../credentials.ts'
import type { Server } from '../discovery.ts'
import { abortError, DredClientError } from '../errors.ts'
import { linkAbort } from '../signals.ts'
import { ndjsonLines } from '../transport/ndjson.ts'
import { Watchdog } from '../transport/watchdog.ts'
import type { WakeReason } from '../wake.ts'
import type { Source } from './inbox.ts'

type EventOf<Type extends StreamEvent['type']> = Extract<StreamEvent, { type: Type }>

/** Where a stream begins: the query of the route. Nothing: with what comes from now on. */
export interface StreamQuery {
  after?: string
  last?: number
  from?: 'start'
  receipts?: 'stored'
}

/** What a stream tells its owner. */
export interface StreamOwner {
  /** @returns false when the stream shall end, to be begun again from another place */
  opened(stream: ServerStream, event: EventOf<'open'>): boolean
  /** Resolves when the stream may go on reading. */
  message(stream: ServerStream, event: EventOf<'message'>): Promise<void>
  progress(stream: ServerStream, event: EventOf<'control' | 'keepalive'>): Promise<void>
  /** Signed by the stream's server. */
  stored(event: EventOf<'stored'>): void
  /** It opened, or became suspect, or is no longer. */
  changed(): void
}

/** One server's stream of one channel, from the request to its end; it is not begun again. */
export class ServerStream implements Source {
  readonly server: Server
  readonly query: StreamQuery
  /** Unix milliseconds. */
  readonly startedAt: number
  tainted = false
  lag = 0
  isOpen = false
  /** Unix milliseconds of its `open` event. */
  openedAt: number | undefined
  /** Open, but quiet for longer than a keepalive interval allows. */
  isSuspect = false
  #isDoubted = false
  /** It told of storage without signing it: what it says of that is not heard any more. */
  #bluffs = false
  /** Until the `open` event. */
  #openTimer: unknown
  readonly #channel: { id: string; genesis: SignedGenesis }
  readonly #context: Context
  readonly #owner: StreamOwner
  readonly #controller = new AbortController()
  readonly #watchdog: Watchdog

  constructor(
    context: Context,
    plan: { server: Server; channel: { id: string; genesis: SignedGenesis }; query: StreamQuery },
    owner: StreamOwner,
  ) {
    this.server = plan.server
    this.query = plan.query
    this.startedAt = context.clock.now()
    this.#channel = plan.channel
    this.#context = context
    this.#owner = owner
    this.#watchdog = new Watchdog(
      { clock: context.clock, keepaliveMs: context.timing.keepaliveMs },
      {
        suspect: () => {
          this.isSuspect = true
          owner.changed()
        },
        dead: () => this.stop(new DredClientError('timeout', { detail: 'The stream went silent', server: plan.server.endpoint })),
      },
    )
  }

  get isHealthy(): boolean {
    return this.isOpen && !this.isSuspect && !this.#isDoubted && !this.tainted
  }

  stop(reason: DredClientError = new DredClientError('aborted')): void {
    this.#controller.abort(reason)
  }

  /** After a sleep the watchdog may be late; on another network the stream has to prove that it lives. */
  doubt(reason: WakeReason): void {
    this.#watchdog.check()
    this.#isDoubted ||= reason === 'online'
  }

  /**
   * Runs until the stream ends. @returns normally when it shall go on elsewhere or again, without blame
   * @throws DredClientError why it ended otherwise; the reason of `stop` or `signal`
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, timing } = this.#context
    const unlink = linkAbort(signal, this.#controller)
    this.#openTimer = clock.setTimeout(() => this.stop(new DredClientError('timeout', { server: this.server.endpoint })), timing.requestMs)
    try {
      const reader = await this.#open()
      try {
        await this.#follow(reader)
      } finally {
        await reader.cancel().catch(() => undefined)
      }
    } finally {
      this.isOpen = false
      clock.clearTimeout(this.#openTimer)
      unlink()
    }
  }

  async #open(): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const { clock, credentials, http, pool } = this.#context
    const { signal } = this.#controller
    const url = routeUrl(this.server.endpoint, 'streamChannel', { params: { id: this.#channel.id }, query: { ...this.query } })
    const response = await credentials.use({ server: this.server, channel: this.#channel, verb: 'read' }, signal, (headers) =>
      http.send({ url, signal, headers: { ...headers, accept: 'application/x-ndjson' } }),
    )
    pool.measured(this.server, clock.now() - this.startedAt)
    if (!response.body) throw new DredClientError('invalid_response', { detail: 'The stream has no body', server: this.server.endpoint })
    return response.body.getReader()
  }

  async #follow(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    for await (const line of ndjsonLines(() => this.#read(reader))) {
      if (!(await this.#handle(this.#parse(line)))) return
    }
    throw new DredClientError('stream_interrupted', { server: this.server.endpoint })
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
    const { signal } = this.#controller
    this.#watchdog.arm()
    try {
      const { value } = await reader.read()
      if (signal.aborted) throw abortError(signal)
      this.#trust()
      return value
    } catch (cause) {
      if (signal.aborted) throw abortError(signal)
      throw new DredClientError('stream_interrupted', { cause, server: this.server.endpoint })
    } finally {
      this.#watchdog.disarm()
    }
  }

  /** @returns undefined for an event of a later version, which is not for us */
  #parse(line: string): StreamEvent | undefined {
    const event = parseObject(line)
    const type = event?.['type']
    if (typeof type !== 'string') throw this.#notAnEvent('A line of the stream is no event')
    if (!isEventType(type)) return undefined
    // A message is judged where it is read, which costs more: most come twice.
    const mismatch = type === 'message' ? undefined : describeMismatch(streamEvents[type], event)
    if (mismatch !== undefined) throw this.#notAnEvent(`A \`${type}\` event: ${mismatch}`)
    return event as StreamEvent
  }

  #notAnEvent(detail: string): DredClientError {
    return new DredClientError('invalid_response', { detail, server: this.server.endpoint })
  }

  /** @returns whether the stream goes on */
  async #handle(event: StreamEvent | undefined): Promise<boolean> {
    switch (event?.type) {
      case undefined:
      case 'presence':
        return true
      case 'open':
        return this.#opened(event)
      case 'message':
      case 'control':
      case 'keepalive':
        if (!this.isOpen) throw this.#notAnEvent('The stream does not begin with its open event')
        await (event.type === 'message' ? this.#owner.message(this, event) : this.#owner.progress(this, event))
        return true
      case 'stored':
        // Not waited for: messages come first.
        this.#hear(event).catch(() => undefined)
        return true
      case 'error':
        if (isErrorCode(event.code) && STALE.has(event.code)) {
          this.#context.credentials.forget({ server: this.server, channel: this.#channel })
          return false
        }
        throw new DredClientError(isErrorCode(event.code) ? event.code : 'stream_interrupted', {
          server: this.server.endpoint,
          detail: event.detail ?? event.title,
          ...(event.oldest === undefined ? {} : { oldest: event.oldest }),
        })
      case 'close':
        throw new DredClientError(event.reason === 'slow_reader' || event.reason === 'no_channels' ? 'stream_interrupted' : event.reason, {
          server: this.server.endpoint,
          detail: `The server closed the stream: ${event.reason}`,
          retryAfterMs: event.retryMs,
        })
    }
  }

  #opened(event: EventOf<'open'>): boolean {
    if (this.isOpen) return true
    const { clock } = this.#context
    clock.clearTimeout(this.#openTimer)
    this.isOpen = this.#owner.opened(this, event)
    if (this.isOpen) this.openedAt = clock.now()
    this.#owner.changed()
    return this.isOpen
  }

  /** A server's word counts for what entered there. Rejects when the stream has ended meanwhile. */
  async #hear(event: EventOf<'stored'>): Promise<void> {
    const { keys, pool, report } = this.#context
    const { id, endpoint } = this.server
    if (this.#bluffs) return
    if (event.server === id && (await keys.verify(event, id, this.#controller.signal))) {
      this.#owner.stored(event)
    } else if (!this.#bluffs) {
      this.#bluffs = true
      pool.distrust(this.server)
      report(new DredClientError('invalid_receipt', { server: endpoint }))
    }
  }

  #trust(): void {
    if (!this.isSuspect && !this.#isDoubted) return
    this.isSuspect = false
    this.#isDoubted = false
    this.#owner.changed()
  }
}

function isEventType(type: string): type is StreamEvent['type'] {
  return Object.hasOwn(streamEvents, type)
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
