import type { Duplex } from 'node:stream'
import { originOf } from '@dred/protocol'
import { encodeFrame, type LatencyView, LinkError, star, type Topology, type WireEntry } from '@dred/protocol/relay'
import type { Entry, OriginEntry, Store } from '../store/port.ts'
import type { Link, ReplicationResult } from './link.ts'
import { defaultTimings, type ReplicatorOptions, type Timings } from './options.ts'
import { PeerLinks, type PeerLinksHost } from './peer-links.ts'
import type { Replicator } from './port.ts'
import { Puller } from './puller.ts'
import { vectorBytes } from './vector-frames.ts'
import { EntryVerifier, toWire } from './wire-entry.ts'

/**
 * Keeps a store equal to those of the neighborhood's other servers. New entries of this server are pushed as its topology says; version
 * vectors, exchanged at connect and whenever they have changed, show what is missing, and it is pulled from whoever has it.
 */
export function createReplicator(options: ReplicatorOptions): Replicator {
  // TODO: does not fulfil the whole port until it is driven by the relay core.
  return new PeerReplicator(options) as unknown as Replicator
}

class PeerReplicator implements PeerLinksHost {
  readonly store: Store
  readonly timings: Timings
  readonly #options: ReplicatorOptions
  readonly #topology: Topology
  readonly #verifier: EntryVerifier
  readonly #links: PeerLinks
  readonly #puller: Puller
  readonly #latency: LatencyView
  #ticker: NodeJS.Timeout | undefined
  #soon: NodeJS.Timeout | undefined
  #stops: (() => void)[] = []
  #storeFailing = false

  constructor(options: ReplicatorOptions) {
    this.#options = options
    this.store = options.store
    this.timings = { ...defaultTimings, ...options.timings }
    this.#topology = options.topology ?? star
    this.#verifier = new EntryVerifier(options.store, options.registry.neighborhood, () => options.now?.() ?? Date.now())
    this.#links = new PeerLinks(options, this)
    this.#puller = new Puller({
      timings: this.timings,
      self: () => options.self(),
      outgrow: (incarnation) => options.outgrow(incarnation),
      mine: () => this.store.vector(),
      links: () => this.#links.all(),
      failed: (error) => this.#storeFailed(error),
    })
    this.#latency = {
      latencyMs: (from, to) => {
        const roundTripMs = from === this.#id ? this.#links.get(to)?.roundTripMs : undefined
        return roundTripMs === undefined ? undefined : roundTripMs / 2
      },
    }
  }

  start(): void {
    if (this.#ticker) return
    this.#ticker = setInterval(() => void this.#sayVector(), this.timings.vectorMs)
    this.#stops = [
      this.store.onAppended((entry) => this.#appended(entry)),
      // What peers were told may no longer be true.
      this.store.onReconnected(() => void this.#sayVector(this.#links.all())),
    ]
    this.#links.start()
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

  async stop(): Promise<void> {
    clearInterval(this.#ticker)
    clearTimeout(this.#soon)
    for (const stop of this.#stops.splice(0)) stop()
    this.#puller.stop()
    await this.#links.stop()
  }

  // What links tell

  up(link: Link): void {
    void this.#sayVector([link])
  }

  down(link: Link): void {
    this.#puller.forget(link)
  }

  async verify(wire: WireEntry): Promise<OriginEntry> {
    try {
      const { server, incarnation } = this.#options.self()
      if (wire.coordinate.server === server && wire.coordinate.incarnation >= incarnation)
        throw new LinkError('rejected_entry', 'Only this server counts what clients hand to it')
      return await this.#verifier.verify(wire)
    } catch (error) {
      if (error instanceof LinkError) this.#options.events?.received('rejected')
      throw error
    }
  }

  applied(link: Link, { entry, result, cover }: { entry: OriginEntry; result: ReplicationResult; cover: readonly number[] }): void {
    this.#storeFailing = false
    if (result !== 'gap') this.#options.events?.received(result)
    if (result === 'gap') this.#puller.run()
    else if (result === 'stored')
      this.#push(
        entry,
        cover.filter((id) => id !== link.peer),
      )
  }

  failed(_link: Link, error: unknown): void {
    this.#storeFailed(error)
  }

  sent(entries: readonly OriginEntry[]): void {
    for (const entry of entries) if (entry.kind === 'message' || entry.kind === 'genesis') this.#options.events?.sent(entry)
  }

  caughtUp(link: Link): void {
    void this.#sayVector([link])
  }

  told(): void {
    this.#puller.run()
  }

  answered(link: Link, ticket: number): void {
    this.#puller.answered(link, ticket)
  }

  // What goes out

  get #id(): number {
    return this.#options.self().server
  }

  #appended(entry: Entry): void {
    const { server, incarnation } = this.#options.self()
    const { coordinate } = entry
    // What comes back of an earlier incarnation comes from peers.
    if (coordinate.server !== server || coordinate.incarnation !== incarnation) return
    this.#push(
      entry,
      this.#options.registry.peers().map(({ id }) => id),
    )
  }

  /** Sends an entry on to those of `members` that are not known to have it. */
  #push(entry: OriginEntry, members: readonly number[]): void {
    const { registry } = this.#options
    const origin = originOf(entry.coordinate)
    const lacks = (id: number) => this.#links.get(id)?.vector.has(origin, entry.coordinate.n) !== true
    const cover = members.filter((id) => id !== this.#id && registry.peer(id) !== undefined && lacks(id))
    if (cover.length === 0) return
    const wire = toWire(entry)
    const encoded = new Map<string, Uint8Array>()
    for (const [peer, subCover] of this.#topology.parts(this.#id, cover, this.#latency)) {
      const link = this.#links.get(peer)
      if (!link) continue
      const bytes = encoded.get(subCover.join()) ?? encodeFrame({ type: 'PUSH', entry: wire, cover: subCover })
      encoded.set(subCover.join(), bytes)
      if (link.push(entry, bytes)) this.sent([entry])
      else if (!link.congested) this.#sayVectorSoon()
    }
  }

  /**
   * Tells what is stored here: the confirmation of what was sent, and the sign for who lacks it to ask.
   * @param to told in any case; without it, every peer that was told otherwise before
   */
  async #sayVector(to?: readonly Link[]): Promise<void> {
    try {
      const bytes = vectorBytes(await this.store.vector())
      for (const link of to ?? this.#links.all()) link.sayVector(bytes, to !== undefined)
      this.#storeFailing = false
    } catch (error) {
      this.#storeFailed(error)
    }
    this.#puller.run()
  }

  /** For peers that could not be sent something because they lack what is before it. */
  #sayVectorSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined
      void this.#sayVector()
    }, this.timings.soonMs)
  }

  #storeFailed(error: unknown): void {
    // Said once for each outage: the readiness of the server tells the rest.
    if (!this.#storeFailing) this.#options.log?.warn({ error: String(error) }, 'replication waits for the store')
    this.#storeFailing = true
  }
}
