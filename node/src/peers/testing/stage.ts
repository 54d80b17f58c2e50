import type { Coordinate } from '@dred/protocol'
import type { BodyEntry, WireEntry } from '@dred/protocol/relay'
import type { Store } from '../../store/port.ts'
import { Cluster, type ClusterOptions, quick, quickRelay, type TestServer } from './cluster.ts'
import { Rogue } from './rogue.ts'

/** Server 3 runs; the tests play server 1, with its registered key. */
export class Stage {
  static readonly server = 3
  static readonly rogue = 1
  /** In which the rogue counts. */
  static readonly incarnation = 1_700_000_000_000
  readonly cluster: Cluster
  readonly #rogues: Rogue[] = []

  private constructor(cluster: Cluster) {
    this.cluster = cluster
  }

  static async set(
    timings: Partial<typeof quick & typeof quickRelay> = {},
    options: ClusterOptions & { store?: Store } = {},
  ): Promise<Stage> {
    const { store, replicator, ...rest } = options
    const times = { timings: { ...quick, ...timings }, relay: { timings: { ...quickRelay, ...timings } } }
    const stage = new Stage(await Cluster.create(3, { ...rest, replicator: { ...times, ...replicator } }))
    await stage.server.start(store)
    return stage
  }

  get server(): TestServer {
    return this.cluster.server(Stage.server)
  }

  async dialled(): Promise<Rogue> {
    const rogue = await Rogue.dial(this.server.entry.endpoint)
    this.#rogues.push(rogue)
    return rogue
  }

  /** @returns a link of the rogue */
  async joined(): Promise<Rogue> {
    const rogue = await this.dialled()
    await rogue.join(this.cluster, this.introduction)
    return rogue
  }

  get introduction() {
    const { key } = this.cluster.server(Stage.rogue)
    return { from: Stage.rogue, to: Stage.server, key, incarnation: Stage.incarnation }
  }

  async vector() {
    return (await this.server.store.vector()).toData()
  }

  /** A valid message as the rogue would send it. */
  async wire(n: number, coordinate: Partial<Coordinate> = {}, text = `message ${n}`): Promise<BodyEntry> {
    const { kind, canonical, sig, expiresAt } = await this.cluster.message(text)
    return {
      kind,
      coordinate: { server: Stage.rogue, incarnation: Stage.incarnation, n, ...coordinate },
      canonical,
      sig,
      expiresAt,
      clock: Date.now() * 1_000,
    }
  }

  async close(): Promise<void> {
    for (const rogue of this.#rogues.splice(0)) rogue.close()
    await this.cluster.close()
  }
}

export const origin = `${Stage.rogue}-${Stage.incarnation}` as const

export const push = (rogue: Rogue, entry: WireEntry) => rogue.send({ type: 'MSG', entry, cover: [] })
