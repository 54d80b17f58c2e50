import type { Log } from '../log.ts'
import type { Attendance, SharedStore } from './port.ts'

/** Milliseconds that a lease holds: as long as nobody leads after the leader was killed. */
const LEASE_MS = 2_500
const ATTEND_EVERY_MS = 500

export interface LeadershipOptions {
  shared: SharedStore
  /** Where the others are to bring their peers; asked for once there are others. */
  address: () => Promise<string>
  /** This process leads from now on. */
  lead: (term: number) => void
  /** Another one does: whom it is, as of now; undefined while nobody is known to. */
  follow: (leader: Attendance | undefined) => void
  log: Log
  leaseMs?: number
}

/** Which of a server's processes leads: the one that holds a lease in the store they share, which it renews for as long as it lives. */
export class Leadership {
  readonly #options: LeadershipOptions
  readonly #leaseMs: number
  /** In which this process leads; 0 when it does not. */
  #term = 0
  #knownTerm = 0
  #address: string | undefined
  /** When it last attended, as `performance.now()`. */
  #attendedAt = Number.NEGATIVE_INFINITY
  #alone = true
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #stopListening: (() => void) | undefined
  #stopped = false

  constructor(options: LeadershipOptions) {
    this.#options = options
    this.#leaseMs = options.leaseMs ?? LEASE_MS
  }

  get leads(): boolean {
    return this.#term > 0
  }

  /** Resolves once it is known who leads, or that the store does not say so now. */
  async start(): Promise<void> {
    this.#stopListening = this.#options.shared.onVacant(() => void this.#attend())
    await this.#attend()
  }

  /** Lets another process lead at once. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#stopListening?.()
    await this.#running
    await this.#options.shared.leave(this.#term).catch(() => undefined)
  }

  #attend(): Promise<void> {
    this.#running ??= this.#round().finally(() => {
      this.#running = undefined
      clearTimeout(this.#timer)
      if (!this.#stopped) this.#timer = setTimeout(() => void this.#attend(), (ATTEND_EVERY_MS * this.#leaseMs) / LEASE_MS).unref()
    })
    return this.#running
  }

  async #round(): Promise<void> {
    if (this.#stopped) return
    try {
      await this.#bid()
      if (!this.leads || this.#alone || this.#address !== undefined) return
      this.#address = await this.#options.address()
      await this.#bid()
    } catch (error) {
      this.#options.log.debug({ error: String(error) }, 'the store does not say which process leads')
      // Alone, there is nobody to make room for.
      if (this.leads && !this.#alone && performance.now() > this.#attendedAt + this.#leaseMs) this.#stepDown(undefined)
    }
  }

  async #bid(): Promise<void> {
    const { shared, lead, follow, log } = this.#options
    const at = performance.now()
    const attendance = await shared.attend({ leaseMs: this.#leaseMs, term: this.#term, knownTerm: this.#knownTerm, address: this.#address })
    const { leader, term, processes } = attendance
    this.#attendedAt = at
    this.#alone = processes === 1
    this.#knownTerm = Math.max(this.#knownTerm, term)
    if (this.#stopped) return
    if (leader !== shared.process) {
      if (this.leads) this.#stepDown(attendance)
      else follow(attendance)
    } else if (term !== this.#term) {
      this.#term = term
      log.info({ term, processes }, 'this process leads')
      lead(term)
    }
  }

  #stepDown(leader: Attendance | undefined): void {
    this.#options.log.warn({ term: this.#term, next: leader?.term }, 'another process leads')
    this.#term = 0
    this.#options.follow(leader)
  }
}
