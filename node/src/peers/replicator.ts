import type { Duplex } from 'node:stream'
import {
  type CoreFrame,
  createRelay,
  LinkError,
  type ListOf,
  type NoticeFrame,
  type Relay,
  type RelayEffect,
  type RelayEvent,
  step,
} from '@dred/protocol/relay'
import { Confirmations } from './confirmations.ts'
import { EntryStore } from './entry-store.ts'
import { Evidence } from './evidence.ts'
import type { Link } from './link.ts'
import { Members } from './members.ts'
import { NoticeExchange } from './notice-exchange.ts'
import { defaultTimings, type ReplicatorOptions } from './options.ts'
import { Outlet } from './outlet.ts'
import { PeerLinks, type PeerLinksHost } from './peer-links.ts'
import type { Confirmation, RelayStatistics, Replicator } from './port.ts'
import { Statements } from './statements.ts'
import { StoreWatch } from './store-watch.ts'
import { bodyOf, EntryVerifier } from './wire-entry.ts'

/** What a statement of a peer costs until it is checked, and an answer until it is read: peers that ask for much are heard less. */
const STATEMENT_BYTES = 1_024
const READING_BYTES = 262_144

/** Keeps a store equal to those of the neighborhood's other servers: drives the relay, which decides everything. */
export function createReplicator(options: ReplicatorOptions): Replicator {
  return new RelayDriver(options)
}

class RelayDriver implements Replicator, PeerLinksHost {
  readonly #options: ReplicatorOptions
  readonly #relay: Relay
  readonly #links: PeerLinks
  readonly #entries: EntryStore
  readonly #store: StoreWatch
  readonly #statements: Statements
  readonly #members: Members
  readonly #outlet: Outlet
  readonly #evidence: Evidence
  readonly #notices: NoticeExchange | undefined
  #events: RelayEvent[] = []
  #handling = false
  #timer: NodeJS.Timeout | undefined
  #tickets = 0
  readonly #admissions = new Map<number, () => void>()
  readonly #confirmations = new Confirmations()
  #stops: (() => void)[] = []
  #stopped = false

  constructor(options: ReplicatorOptions) {
    const { store, registry, key, log, events, topology, relay } = options
    const { server, incarnation } = options.self()
    this.#options = options
    this.#relay = createRelay({ self: server, incarnation, ...(topology === undefined ? {} : { topology }), ...relay })
    this.#members = new Members(registry)
    this.#links = new PeerLinks(options, this)
    this.#outlet = new Outlet(this.listOf, events)
    this.#evidence = new Evidence(log)
    const tell = (event: RelayEvent) => this.#tell(event)
    this.#statements = new Statements({ registry, key, tell })
    this.#store = new StoreWatch({
      store,
      self: () => options.self(),
      renew: (known) => options.outgrow(known),
      settled: () => this.#entries.settled(),
      isStoring: (coordinate) => this.#entries.isStoring(coordinate),
      tell,
      appended: (entry) => this.#tell({ type: 'appended', entry: bodyOf(entry), id: entry.id }),
      retryMs: options.timings?.storeRetryMs ?? defaultTimings.storeRetryMs,
      log,
    })
    this.#entries = new EntryStore({
      store,
      verifier: new EntryVerifier({ store, neighborhood: registry.neighborhood, now: () => this.#unixMs, verify: options.verify }),
      tell,
      failed: (error) => this.#store.failed(error),
      eased: () => this.#wakeLinks(),
      events,
    })
    const { notices: spread, timings } = options
    const carriers = { links: this.#links, outlet: this.#outlet, relay: this.#relay }
    this.#notices = spread && new NoticeExchange({ spread, ...carriers, repeatMs: timings?.noticeMs ?? defaultTimings.noticeMs })
    this.#followRegistry()
  }

  async start(): Promise<void> {
    const { registry } = this.#options
    this.#stops = [registry.onChange(() => this.#followRegistry()), () => this.#store.stop()]
    await this.#store.start()
    if (this.#stopped) return
    this.#followRegistry()
    this.#links.start()
    this.#notices?.start()
  }

  accept(stream: Duplex): void {
    this.#links.accept(stream)
  }

  connected(): number[] {
    return this.#links
      .all()
      .map(({ peer }) => peer)
      .sort((a, b) => a - b)
  }

  clock(): number {
    return this.#relay.clock.tick(this.#unixMs)
  }

  async admit(missing: readonly string[]): Promise<void> {
    if (missing.length === 0 || this.#stopped) return
    const ticket = ++this.#tickets
    await new Promise<void>((resolve) => {
      this.#admissions.set(ticket, resolve)
      this.#tell({ type: 'submitted', ticket, missing })
    })
  }

  confirmed(incarnation: number): Confirmation {
    return this.#confirmations.of(incarnation)
  }

  onConfirmed(listener: () => void): () => void {
    return this.#confirmations.onChange(listener)
  }

  purged(): void {
    void this.#store.purged()
  }

  statistics(): RelayStatistics {
    const { counters, intake, joining } = this.#relay
    const links = this.#links.all().map(({ peer, queuedBytes, roundTripMs }) => ({ peer, queuedBytes, roundTripMs }))
    const { bodyBytes, controlBytes } = this.#outlet
    const { receipts } = this.#evidence
    return { counters, links, receipts, pendingBytes: intake.bytes, bodyBytes, controlBytes, joining: !joining.over }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const stop of this.#stops.splice(0)) stop()
    this.#admitAll()
    this.#notices?.stop()
    await this.#links.stop()
    clearTimeout(this.#timer)
  }

  // What links tell

  get listOf(): ListOf {
    return this.#members.listOf
  }

  get busy(): boolean {
    return this.#entries.busy
  }

  up(link: Link): void {
    this.#tell({ type: 'link-up', peer: link.peer })
    void this.#notices?.up(link)
  }

  down(link: Link): void {
    this.#tell({ type: 'link-down', peer: link.peer })
  }

  heard(link: Link, frame: CoreFrame | NoticeFrame): void {
    // One that was replaced may still have something to say.
    if (this.#links.get(link.peer) !== link) return
    if (frame.type === 'NOTICE') this.#notices?.heard(link, frame)
    else this.#tell({ type: 'frame', peer: link.peer, frame })
  }

  queued(link: Link, queue: { bytes: number; ageMs: number }): void {
    if (this.#links.get(link.peer) === link) this.#tell({ type: 'link-queue', peer: link.peer, ...queue })
  }

  // The relay

  get #unixMs(): number {
    return this.#options.now?.() ?? Date.now()
  }

  /** Hands over what happened, in order; what happens while something is handled comes after it. */
  #tell(event: RelayEvent): void {
    if (this.#stopped) return
    this.#events.push(event)
    if (this.#handling) return
    this.#handling = true
    while (this.#events.length > 0) for (const next of this.#events.splice(0)) this.#handle(next)
    this.#handling = false
  }

  #handle(event: RelayEvent): void {
    if (event.type === 'store-lost' || event.type === 'recovered') this.#admitAll()
    const peer = event.type === 'frame' ? event.peer : undefined
    let effects: RelayEffect[] = []
    try {
      effects = step(this.#relay, event, { monotonicMs: performance.now(), unixMs: this.#unixMs })
    } catch (error) {
      this.#failed(error, event.type, peer)
    }
    for (const effect of effects) {
      try {
        this.#perform(effect, peer)
      } catch (error) {
        this.#failed(error, effect.type, peer)
      }
    }
  }

  /** A fault of this program. Whoever sent what it stumbled over is left, everybody else is served on. */
  #failed(error: unknown, at: string, peer: number | undefined): void {
    this.#options.log?.error({ err: error, at, peer }, 'the relay failed')
    if (peer !== undefined) this.#links.get(peer)?.close(new LinkError('disconnected', undefined, error))
  }

  /** @param asker peer to whose frame this is due */
  #perform(effect: RelayEffect, asker: number | undefined): void {
    switch (effect.type) {
      case 'send':
        this.#links.get(effect.peer)?.send(this.#outlet.encode(effect.frame), effect.lane)
        return
      case 'verify':
        this.#charged(effect.peer, effect.entry.canonical.length, this.#entries.verify(effect.entry))
        return
      case 'store':
        this.#entries.put(effect.entry)
        return
      case 'read':
        this.#charged(asker, READING_BYTES, this.#entries.read(effect))
        return
      case 'sign':
        this.#charged(undefined, 0, this.#statements.sign(effect.statement))
        return
      case 'check':
        this.#charged(effect.peer, STATEMENT_BYTES, this.#statements.check(effect.peer, effect.statement, effect.signature))
        return
      case 'admit':
        this.#admissions.get(effect.ticket)?.()
        this.#admissions.delete(effect.ticket)
        return
      case 'confirmed':
        this.#confirmations.confirmed(effect)
        return
      case 'fork':
        this.#evidence.fork(effect.first, effect.second)
        return
      case 'receipt':
        this.#evidence.receipt(effect.receipt)
        return
      case 'outgrow':
        this.#store.renew(effect.incarnation)
        return
      case 'close':
        this.#links.get(effect.peer)?.close(new LinkError(effect.code, effect.detail))
        return
      case 'ready':
        this.#options.log?.info({}, 'caught up with the neighborhood')
        return
      case 'returned':
        return
      case 'wake':
        clearTimeout(this.#timer)
        // Timers cut off fractions, and a tick before its time is one for nothing.
        this.#timer = setTimeout(() => this.#tell({ type: 'tick' }), Math.ceil(Math.max(0, effect.atMs - performance.now())))
        return
    }
  }

  /** Lets what a peer causes count against it for as long as it lasts. */
  #charged(peer: number | undefined, bytes: number, work: Promise<void>): void {
    const release = peer === undefined ? undefined : this.#links.get(peer)?.charge(bytes)
    work.catch((error: unknown) => this.#failed(error, 'work', peer)).finally(() => release?.())
  }

  #followRegistry(): void {
    const event = this.#members.read()
    this.#tell(event)
    const staying = event.members.filter(({ leaving }) => !leaving).map(({ id }) => id)
    this.#confirmations.members(new Set([...staying, this.#relay.self]).size)
  }

  #admitAll(): void {
    for (const admit of this.#admissions.values()) admit()
    this.#admissions.clear()
  }

  #wakeLinks(): void {
    for (const link of this.#links.all()) link.wake()
  }
}
