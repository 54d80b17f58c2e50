import { backoffMs, type Clock } from './clock.ts'
import type { Discovery, Server } from './discovery.ts'
import { type DredClientError, toClientError } from './errors.ts'
import { SharedTask } from './signals.ts'
import type { Timing } from './timing.ts'
import type { Wake } from './wake.ts'

/** Servers nearer than this are all near: among them chance decides, so that clients spread. */
const NEAR_MS = 10
const UNMEASURED_MS = 50
/** A list of servers older than this is read again when a server is needed. */
const STALE_MS = 30_000

interface Candidate {
  server: Server
  /** Drawn once: which of equal servers this client prefers. */
  lottery: number
  latencyMs: number | undefined
  failures: number
  /** Unix ms before which it is left alone. */
  retryAt: number
  openStreams: number
  distrusted: boolean
}

export interface PoolOptions {
  discovery: Discovery
  clock: Clock
  random: () => number
  timing: Timing
  wake: Wake
}

/** What this client knows of its neighborhood's servers: which to use next, and which to leave alone for how long. */
export class ServerPool {
  readonly #options: PoolOptions
  readonly #candidates = new Map<number, Candidate>()
  readonly #listeners = new Set<() => void>()
  readonly #refreshing: SharedTask<void>
  #refreshedAt = Number.NEGATIVE_INFINITY
  #refreshFailures = 0
  #refreshAllowedAt = Number.NEGATIVE_INFINITY
  #unwake: (() => void) | undefined

  constructor(options: PoolOptions) {
    this.#options = options
    this.#refreshing = new SharedTask((signal) => this.#refresh(signal))
  }

  get size(): number {
    return this.#candidates.size
  }

  /** Calls back when servers became known or worth another try. @returns a function that removes the listener */
  onChange(listener: () => void): () => void {
    this.#unwake ??= this.#options.wake.add(this.hurry)
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#unwake?.()
      this.#unwake = undefined
    }
  }

  /** A server by its id. */
  get(id: number): Server | undefined {
    return this.#candidates.get(id)?.server
  }

  /** The best server not among `exclude` that may be tried now. */
  pick(exclude: ReadonlySet<number>): Server | undefined {
    const now = this.#options.clock.now()
    const eligible = [...this.#candidates.values()].filter(({ server, retryAt }) => retryAt <= now && !exclude.has(server.id))
    return eligible.sort((a, b) => score(a) - score(b))[0]?.server
  }

  /** Unix ms at which one more server not among `exclude` may be tried, or the list read again; `Infinity` when neither will be. */
  nextChanceAt(exclude: ReadonlySet<number>): number {
    const retries = [...this.#candidates.values()].filter(({ server }) => !exclude.has(server.id)).map(({ retryAt }) => retryAt)
    return Math.min(this.#nextRefreshAt, ...retries)
  }

  /** Whether reading the list of servers again could help somebody who needs a server now. */
  get refreshDue(): boolean {
    return this.#options.clock.now() >= this.#nextRefreshAt
  }

  get #nextRefreshAt(): number {
    return Math.max(this.#refreshAllowedAt, this.#refreshedAt + STALE_MS)
  }

  /** Reads the list of servers again, once for all who ask meanwhile. @throws DredClientError as {@link Discovery.servers} */
  async refresh(signal: AbortSignal): Promise<void> {
    await this.#refreshing.run(signal)
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const { clock, discovery } = this.#options
    try {
      this.#adopt(await discovery.servers(signal))
      this.#refreshedAt = clock.now()
      this.#refreshFailures = 0
    } catch (error) {
      if (!signal.aborted) this.#refreshAllowedAt = clock.now() + this.#backoff(this.#refreshFailures++)
      throw toClientError(error, 'discovery_unreachable')
    } finally {
      this.#changed()
    }
  }

  #adopt(servers: Server[]): void {
    const ids = new Set(servers.map(({ id }) => id))
    for (const id of this.#candidates.keys()) if (!ids.has(id)) this.#candidates.delete(id)
    for (const server of servers) {
      const known = this.#candidates.get(server.id)
      if (known?.server.endpoint === server.endpoint) continue
      this.#candidates.set(server.id, {
        server,
        lottery: this.#options.random(),
        latencyMs: undefined,
        failures: 0,
        retryAt: 0,
        openStreams: 0,
        distrusted: false,
      })
    }
  }

  /** @param latencyMs from the request to the first byte of its answer */
  measured(server: Server, latencyMs: number): void {
    const candidate = this.#candidates.get(server.id)
    if (candidate) candidate.latencyMs = candidate.latencyMs === undefined ? latencyMs : candidate.latencyMs * 0.7 + latencyMs * 0.3
  }

  succeeded(server: Server): void {
    const candidate = this.#candidates.get(server.id)
    if (candidate) candidate.failures = 0
  }

  /** Leaves the server alone for a while: as long as it asks for, at least the backoff. */
  failed(server: Server, error: DredClientError): void {
    const candidate = this.#candidates.get(server.id)
    if (!candidate) return
    candidate.retryAt = this.#options.clock.now() + Math.max(error.retryAfterMs ?? 0, this.#backoff(candidate.failures++))
  }

  /** Prefers others from now on: it delivered something that its sender has not signed. */
  distrust(server: Server): void {
    const candidate = this.#candidates.get(server.id)
    if (candidate) candidate.distrusted = true
  }

  streamOpened(server: Server): void {
    const candidate = this.#candidates.get(server.id)
    if (candidate) candidate.openStreams++
  }

  streamEnded(server: Server): void {
    const candidate = this.#candidates.get(server.id)
    if (candidate) candidate.openStreams = Math.max(0, candidate.openStreams - 1)
  }

  /** Makes every server and discovery worth a try at once: the network may be another one now. */
  readonly hurry = (): void => {
    for (const candidate of this.#candidates.values()) candidate.retryAt = 0
    this.#refreshAllowedAt = Number.NEGATIVE_INFINITY
    this.#changed()
  }

  #backoff(failures: number): number {
    const { random, timing } = this.#options
    return backoffMs(failures, { baseMs: timing.backoffBaseMs, capMs: timing.backoffCapMs, random })
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

function score({ latencyMs, lottery, openStreams, failures, distrusted }: Candidate): number {
  const distance = Math.max(latencyMs ?? UNMEASURED_MS, NEAR_MS) * (1 + lottery / 2)
  return distance * (openStreams > 0 ? 0.5 : 1) * (1 + failures) * (distrusted ? 1_000 : 1)
}
