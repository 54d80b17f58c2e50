import type { Duplex } from 'node:stream'
import type { RegistryView } from '../chain/port.ts'
import { Listeners } from '../listeners.ts'
import type { Log } from '../log.ts'
import type { Confirmation, RelayStatistics, Replicator } from '../peers/port.ts'
import type { Store } from '../store/port.ts'
import { tellConfirmed } from './confirmation-line.ts'
import { Follower } from './follower.ts'
import { handOver, HandoverListener } from './handover.ts'
import { Leadership } from './leadership.ts'
import type { Attendance, SharedStore } from './port.ts'

export interface SharedReplicatorOptions {
  store: Store
  shared: SharedStore
  registry: RegistryView
  /** This server's id and its incarnation now. */
  self: () => { server: number; incarnation: number }
  /** Begins a new incarnation. */
  renew: () => void
  /** What has the links while this process leads: a new one every time. */
  replicatorFactory: () => Replicator
  /** Where the process that leads listens for the others. */
  internalHost: string
  /** Unix milliseconds. */
  now: () => number
  log: Log
  leaseMs?: number
}

/** Replication of a server of several processes: the one that leads has the links to the peers, the others leave it to that one. */
export class SharedReplicator implements Replicator {
  readonly #options: SharedReplicatorOptions
  readonly #leadership: Leadership
  readonly #confirmed = new Listeners<[]>()
  readonly #say = (): void => this.#confirmed.emit()
  #current: Replicator
  #stopTelling: (() => void)[] = []
  /** Whom connections of peers are handed to. */
  #leader: Attendance | undefined
  #secret: Promise<string> | undefined
  #listener: HandoverListener | undefined
  #stopped = false
  /** Ends of replicators that were left. */
  #leaving = Promise.resolve()

  constructor(options: SharedReplicatorOptions) {
    this.#options = options
    this.#current = this.#follower()
    this.#stopTelling.push(this.#current.onConfirmed(this.#say))
    this.#leadership = new Leadership({
      shared: options.shared,
      address: () => this.#listen(),
      lead: (term) => this.#lead(term),
      follow: (leader) => this.#follow(leader),
      log: options.log,
      ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }),
    })
  }

  /** Whether this process does what only one of a server does. */
  get leads(): boolean {
    return this.#leadership.leads
  }

  async start(): Promise<void> {
    await this.#current.start()
    await this.#leadership.start()
  }

  accept(stream: Duplex): void {
    this.#current.accept(stream)
  }

  connected(): number[] {
    return this.#current.connected()
  }

  clock(): number {
    return this.#current.clock()
  }

  admit(missing: readonly string[]): Promise<void> {
    return this.#current.admit(missing)
  }

  confirmed(incarnation: number): Confirmation {
    return this.#current.confirmed(incarnation)
  }

  onConfirmed(listener: () => void): () => void {
    return this.#confirmed.add(listener)
  }

  purged(): void {
    this.#current.purged()
  }

  statistics(): RelayStatistics {
    return this.#current.statistics()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#leave()
    await this.#leaving
    // Only now: two processes with links would take them from each other.
    await this.#leadership.stop()
    this.#listener?.close()
  }

  #lead(term: number): void {
    if (this.#stopped) return
    const { replicatorFactory, shared, self, renew, log } = this.#options
    const replicator = replicatorFactory()
    this.#enter(replicator)
    this.#stopTelling.push(tellConfirmed(shared.bus, term, { replicator, incarnation: () => self().incarnation }))
    replicator.start().catch((error: unknown) => log.error({ err: error }, 'replication did not start'))
    // After it listens to the store: it signs what is counted from the first on, which no other process has. Peers keep the link to the
    // later of two.
    renew()
  }

  #follow(leader: Attendance | undefined): void {
    this.#leader = leader
    if (this.#current instanceof Follower || this.#stopped) return
    const follower = this.#follower()
    this.#enter(follower)
    void follower.start()
  }

  #enter(replicator: Replicator): void {
    this.#leave()
    this.#current = replicator
    this.#stopTelling.push(replicator.onConfirmed(this.#say))
    this.#say()
  }

  #leave(): void {
    for (const stop of this.#stopTelling.splice(0)) stop()
    const left = this.#current
    this.#leaving = Promise.all([this.#leaving, left.stop()]).then(() => undefined)
  }

  #follower(): Follower {
    const { store, registry, self, shared, now } = this.#options
    return new Follower({ store, registry, self, bus: shared.bus, handOver: (stream) => void this.#handOver(stream), now })
  }

  async #handOver(stream: Duplex): Promise<void> {
    const address = this.#leader?.address
    stream.on('error', () => undefined)
    try {
      const secret = await this.#sharedSecret()
      if (address !== undefined && !this.#stopped) return handOver(stream, address, secret)
    } catch (error) {
      this.#options.log.debug({ error: String(error) }, 'a connection of a peer cannot be handed over')
    }
    stream.destroy()
  }

  async #listen(): Promise<string> {
    const secret = await this.#sharedSecret()
    this.#listener ??= await HandoverListener.listen({
      host: this.#options.internalHost,
      secret,
      accept: (stream) => (this.leads ? this.#current.accept(stream) : stream.destroy()),
    })
    return this.#listener.address
  }

  #sharedSecret(): Promise<string> {
    this.#secret ??= this.#options.shared.secret().catch((error: unknown) => {
      this.#secret = undefined
      throw error
    })
    return this.#secret
  }
}
