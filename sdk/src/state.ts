import type { Clock } from './clock.ts'

/**
 * - `idle`: nothing is subscribed, no connection is held.
 * - `connecting`: no server has answered yet.
 * - `connected`: at least the minimum of servers streams.
 * - `degraded`: some do, fewer than the minimum.
 * - `reconnecting`: none does any more.
 * - `suspended`: none has for two minutes; attempts go on, seldom.
 * - `failed`: two servers, or all there are, refuse this client (401, 403) or speak another version,
 *   or this environment cannot verify anything; attempts have ended.
 * - `closed`: by the application.
 */
export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'degraded' | 'reconnecting' | 'suspended' | 'failed' | 'closed'

export interface StateChange {
  state: ConnectionState
  previous: ConnectionState
}

/** From the best to the worst: of several subscriptions the worst is shown. */
const BY_SEVERITY: readonly ConnectionState[] = ['idle', 'connected', 'degraded', 'connecting', 'reconnecting', 'suspended', 'failed']

/** The state of one subscription, from how many of its streams are open. */
export class SubscriptionState {
  readonly #options: { clock: Clock; minimum: number; suspendAfterMs: number; changed: (change: StateChange) => void }
  #state: ConnectionState = 'connecting'
  #everOpen = false
  #suspendTimer: unknown

  constructor(options: { clock: Clock; minimum: number; suspendAfterMs: number; changed: (change: StateChange) => void }) {
    this.#options = options
    this.#armSuspend()
  }

  get state(): ConnectionState {
    return this.#state
  }

  openStreams(count: number): void {
    if (this.#state === 'failed' || this.#state === 'closed') return
    if (count > 0) {
      this.#everOpen = true
      this.#disarmSuspend()
      this.#become(count >= this.#options.minimum ? 'connected' : 'degraded')
    } else if (this.#state !== 'suspended') {
      this.#armSuspend()
      this.#become(this.#everOpen ? 'reconnecting' : 'connecting')
    }
  }

  end(state: 'failed' | 'closed'): void {
    this.#disarmSuspend()
    if (this.#state !== 'failed') this.#become(state)
  }

  #armSuspend(): void {
    this.#suspendTimer ??= this.#options.clock.setTimeout(() => {
      this.#suspendTimer = undefined
      this.#become('suspended')
    }, this.#options.suspendAfterMs)
  }

  #disarmSuspend(): void {
    if (this.#suspendTimer !== undefined) this.#options.clock.clearTimeout(this.#suspendTimer)
    this.#suspendTimer = undefined
  }

  #become(state: ConnectionState): void {
    if (state === this.#state) return
    const previous = this.#state
    this.#state = state
    this.#options.changed({ state, previous })
  }
}

/** The state of the client: that of its worst subscription. */
export class ClientState {
  readonly #subscriptions = new Map<object, ConnectionState>()
  readonly #changed: (change: StateChange) => void
  #state: ConnectionState = 'idle'

  constructor(changed: (change: StateChange) => void) {
    this.#changed = changed
  }

  get state(): ConnectionState {
    return this.#state
  }

  update(subscription: object, state: ConnectionState): void {
    this.#subscriptions.set(subscription, state)
    this.#compute()
  }

  forget(subscription: object): void {
    this.#subscriptions.delete(subscription)
    this.#compute()
  }

  close(): void {
    this.#subscriptions.clear()
    this.#become('closed')
  }

  #compute(): void {
    const worst = Math.max(0, ...[...this.#subscriptions.values()].map((state) => BY_SEVERITY.indexOf(state)))
    if (this.#state !== 'closed') this.#become(BY_SEVERITY[worst] ?? 'idle')
  }

  #become(state: ConnectionState): void {
    if (state === this.#state) return
    const previous = this.#state
    this.#state = state
    this.#changed({ state, previous })
  }
}
