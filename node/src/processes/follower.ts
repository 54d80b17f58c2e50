import type { Duplex } from 'node:stream'
import { HybridClock } from '@dred/protocol/relay'
import { isLeaving, linkedServers } from '../chain/standing.ts'
import type { RegistryView } from '../chain/port.ts'
import { Listeners } from '../listeners.ts'
import { noLinks } from '../peers/no-links.ts'
import type { Confirmation, RelayStatistics, Replicator } from '../peers/port.ts'
import type { Entry, Store } from '../store/port.ts'
import type { Bus } from './bus.ts'
import { hearConfirmed, type Word } from './confirmation-line.ts'

/** Milliseconds that a client's message waits for those that it follows, as in the relay. */
const ADMIT_MS = 2_000
/** How far a clock received may put this one ahead of the time, as in the relay: 15 s, in microseconds. */
const AHEAD_US = 15_000_000

export interface FollowerOptions {
  store: Store
  registry: RegistryView
  self: () => { server: number }
  bus: Bus
  /** Hands a peer's connection to the process that leads. */
  handOver: (stream: Duplex) => void
  /** Unix milliseconds. */
  now: () => number
}

/** What replication is to a process that leaves the links to another one of its server: all that comes and goes is in the store they share. */
export class Follower implements Replicator {
  readonly #options: FollowerOptions
  readonly #clock = new HybridClock()
  readonly #statistics = noLinks()
  readonly #admissions = new Set<Admission>()
  readonly #confirmed = new Listeners<[]>()
  #word: Word | undefined
  #stops: (() => void)[] = []

  constructor(options: FollowerOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { store, bus } = this.#options
    this.#stops = [store.onAppended((entry) => this.#appended(entry)), hearConfirmed(bus, (word) => this.#heard(word))]
  }

  accept(stream: Duplex): void {
    this.#options.handOver(stream)
  }

  connected(): number[] {
    return []
  }

  clock(): number {
    return this.#clock.tick(this.#options.now())
  }

  async admit(missing: readonly string[]): Promise<void> {
    if (missing.length === 0 || this.#stops.length === 0) return
    const admission = new Admission(missing)
    this.#admissions.add(admission)
    // What came while it was looked up has been announced before.
    void this.#options.store.unknown(missing).then(
      (unknown) => admission.keep(unknown),
      () => admission.end(),
    )
    await admission.over
    this.#admissions.delete(admission)
  }

  confirmed(incarnation: number): Confirmation {
    const word = this.#word
    return { upTo: word?.incarnation === incarnation ? word.upTo : [], servers: word?.servers ?? this.#servers }
  }

  onConfirmed(listener: () => void): () => void {
    return this.#confirmed.add(listener)
  }

  purged(): void {}

  statistics(): RelayStatistics {
    return this.#statistics
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop()
    for (const admission of this.#admissions) admission.end()
  }

  /** Until the leader says how many: those of the neighborhood. */
  get #servers(): number {
    const { registry, self } = this.#options
    const staying = linkedServers(registry).filter((server) => !isLeaving(server))
    return new Set([...staying.map(({ id }) => id), self().server]).size
  }

  #appended({ id, clock }: Entry): void {
    this.#clock.observe(Math.min(clock, Math.floor(this.#options.now() * 1_000) + AHEAD_US))
    for (const admission of this.#admissions) admission.came(id)
  }

  #heard(word: Word): void {
    // Of a process that led before, and has not noticed.
    if (word.term < (this.#word?.term ?? 0)) return
    this.#word = word
    this.#confirmed.emit()
  }
}

/** A client's message that waits for those that it follows. */
class Admission {
  readonly over: Promise<void>
  readonly #missing: Set<string>
  readonly #timer: NodeJS.Timeout
  #resolve: () => void = () => undefined

  constructor(missing: readonly string[]) {
    this.#missing = new Set(missing)
    this.over = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#timer = setTimeout(() => this.end(), ADMIT_MS)
  }

  came(id: string): void {
    if (this.#missing.delete(id) && this.#missing.size === 0) this.end()
  }

  /** Of all that it waits for only these are still missing. */
  keep(unknown: readonly string[]): void {
    const still = new Set(unknown)
    for (const id of this.#missing) if (!still.has(id)) this.came(id)
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#resolve()
  }
}
