import { Bell } from './clock.ts'
import type { Context } from './context.ts'
import type { Server } from './discovery.ts'
import { abortError, DredClientError, type DredErrorCode, toClientError } from './errors.ts'
import { withSignals } from './signals.ts'
import { isOffline } from './wake.ts'

export interface AttemptOptions {
  signal?: AbortSignal | undefined
  /** Milliseconds for all attempts together; without it they end with the signal. */
  deadlineMs?: number
}

/** What one server says of itself; another one may answer otherwise. */
const ABOUT_THE_SERVER: ReadonlySet<DredErrorCode> = new Set<DredErrorCode>([
  'wrong_neighborhood',
  'unregistered_peer',
  'unknown_channel',
  'not_found',
  'method_not_allowed',
  'clock_skew',
  'version_mismatch',
])

export function isAboutTheServer({ code }: DredClientError): boolean {
  return ABOUT_THE_SERVER.has(code)
}

/**
 * Tries one server after another, in rounds with backoff, until one attempt succeeds.
 * @throws DredClientError the server's answer, when no other server would answer otherwise or all refuse twice; at the deadline
 *   `offline`, `no_servers`, `discovery_unreachable` or `timeout` (its `cause` is the last failure); `aborted`; `closed`
 */
export async function tryServers<T>(
  context: Context,
  options: AttemptOptions,
  attempt: (server: Server, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, lifetime } = context
  const refresh = new AbortController()
  try {
    const { signal: outer, deadlineMs } = options
    const timeout = deadlineMs === undefined ? {} : { timeout: { clock, ms: deadlineMs } }
    return await withSignals({ signals: [outer, lifetime], ...timeout }, (signal) =>
      new Rounds(context, { signal, refresh: refresh.signal }).run(attempt),
    )
  } finally {
    refresh.abort(new DredClientError('aborted'))
  }
}

class Rounds {
  readonly #context: Context
  readonly #signal: AbortSignal
  readonly #refreshSignal: AbortSignal
  readonly #bell: Bell
  readonly #tried = new Set<number>()
  /** How often in a row each server has refused. */
  readonly #refusals = new Map<number, number>()
  #last: DredClientError | undefined
  #refreshing = false

  constructor(context: Context, signals: { signal: AbortSignal; refresh: AbortSignal }) {
    this.#context = context
    this.#signal = signals.signal
    this.#refreshSignal = signals.refresh
    this.#bell = new Bell(context.clock)
  }

  async run<T>(attempt: (server: Server, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { pool } = this.#context
    const stopListening = pool.onChange(this.#bell.ring)
    try {
      for (;;) {
        if (this.#signal.aborted) throw this.#gaveUp()
        const server = pool.pick(this.#tried)
        if (!server) {
          await this.#rest()
          continue
        }
        this.#tried.add(server.id)
        try {
          const result = await attempt(server, this.#signal)
          pool.succeeded(server)
          return result
        } catch (error) {
          if (this.#signal.aborted) throw this.#gaveUp()
          this.#failed(server, toClientError(error, 'network'))
        }
      }
    } finally {
      stopListening()
    }
  }

  #failed(server: Server, error: DredClientError): void {
    if (!error.retryable && !ABOUT_THE_SERVER.has(error.code)) throw error
    this.#last = error
    this.#context.pool.failed(server, error)
    this.#refusals.set(server.id, ABOUT_THE_SERVER.has(error.code) ? (this.#refusals.get(server.id) ?? 0) + 1 : 0)
    const refusals = [...this.#refusals.values()]
    if (refusals.length >= this.#context.pool.size && refusals.every((times) => times >= 2)) throw error
  }

  /** Between rounds, or until there is a server at all. */
  async #rest(): Promise<void> {
    const { clock, pool } = this.#context
    this.#tried.clear()
    if (pool.refreshDue && !this.#refreshing) this.#refresh()
    const inMs = pool.nextChanceAt(this.#tried) - clock.now()
    await this.#bell.wait(this.#refreshing && inMs <= 0 ? Number.POSITIVE_INFINITY : Math.max(1, inMs), this.#signal)
  }

  #refresh(): void {
    this.#refreshing = true
    const done = (): void => {
      this.#refreshing = false
      this.#bell.ring()
    }
    this.#context.pool.refresh(this.#refreshSignal).then(done, (error: unknown) => {
      if (this.#context.pool.size === 0) this.#last = toClientError(error, 'discovery_unreachable')
      done()
    })
  }

  #gaveUp(): DredClientError {
    const reason = abortError(this.#signal)
    if (reason.code !== 'timeout') return reason
    const cause = this.#last
    if (isOffline()) return new DredClientError('offline', { cause })
    if (cause?.code === 'no_servers' || cause?.code === 'discovery_unreachable' || cause?.code === 'version_mismatch') return cause
    const detail = cause ? `No server did it in time; the last said: ${cause.message}` : undefined
    return new DredClientError('timeout', { cause, ...(detail === undefined ? {} : { detail }) })
  }
}
