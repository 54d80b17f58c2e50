import { mkdtemp, rm } from 'node:fs/promises'
import { createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  generateDeviceKey,
  parseOrigin,
  type Signer,
  signGenesis,
  signMessage,
  type VerifiedGenesis,
  verifyMessage,
  VersionVector,
  webCryptoSigner,
} from '@dred/protocol'
import type { RelayTimings } from '@dred/protocol/relay'
import type { RegisteredServer } from '../../chain/port.ts'
import { createServerKeyFile, type ServerKey } from '../../chain/server-key.ts'
import { genesisEntry, messageEntry } from '../../entries.ts'
import { Incarnation } from '../../incarnation.ts'
import type { NewEntry, Store } from '../../store/port.ts'
import { ServerNotices } from '../../notices/notices.ts'
import { noBus } from '../../processes/bus.ts'
import { openSqliteStore } from '../../store/sqlite.ts'
import { MemoryRegistry, registeredServer } from '../../testing/registry-view.ts'
import type { ReplicatorOptions, Timings } from '../options.ts'
import type { Replicator } from '../port.ts'
import { createReplicator } from '../replicator.ts'

/** Fast, so that tests don't wait; the proportions are those of the defaults. */
export const quick: Timings = {
  handshakeMs: 2_000,
  redial: { minMs: 5, maxMs: 50 },
  quarantine: { minMs: 100, maxMs: 1_000 },
  storeRetryMs: 20,
  noticeMs: 200,
}

export const quickRelay: Partial<RelayTimings> = {
  ackMs: 2,
  haveMs: 10,
  digestMs: 25,
  graceMs: 30,
  retransmitMs: 100,
  overdueMs: 50,
  vectorMs: 100,
  pullMs: 1_000,
  retryMs: 40,
  leafMs: 500,
  pingMs: 500,
  silentMs: 500,
  causalMs: 1_000,
  admitMs: 500,
  joinMs: 1_000,
  headMs: 50,
  latencyRowMs: 500,
  receiptMs: 200,
}

export interface ClusterOptions {
  tls?: { cert: string; key: string }
  /** Says what is judged, before anything is heard. */
  prepare?: (notices: ServerNotices) => void
  replicator?: Partial<Pick<ReplicatorOptions, 'topology' | 'timings' | 'relay' | 'log'>>
}

/** Servers in this process that replicate over real connections: keys, stores and sockets are real, only the chain is not. */
export class Cluster {
  readonly registry = new MemoryRegistry([])
  readonly servers: TestServer[] = []
  readonly signer: Signer
  readonly channel: VerifiedGenesis
  readonly #folder: string
  readonly #views = new Map<number, MemoryRegistry>()

  private constructor(folder: string, signer: Signer, channel: VerifiedGenesis) {
    this.#folder = folder
    this.signer = signer
    this.channel = channel
  }

  /** @param count of servers, listening but not replicating yet, with ids from 1 */
  static async create(count: number, options: ClusterOptions = {}): Promise<Cluster> {
    const signer = await webCryptoSigner(await generateDeviceKey({ extractable: false }))
    const salt = crypto.getRandomValues(new Uint8Array(16))
    const channel = await signGenesis(signer, { neighborhood: '1', createdAt: Date.now(), salt, name: 'cluster' })
    const cluster = new Cluster(await mkdtemp(join(tmpdir(), 'dred-cluster-')), signer, channel)
    for (let id = 1; id <= count; id++) cluster.servers.push(await TestServer.listen(id, cluster, options))
    cluster.register(cluster.servers)
    return cluster
  }

  server(id: number): TestServer {
    const server = this.servers[id - 1]
    if (!server) throw new Error(`There is no server ${id}`)
    return server
  }

  register(servers: readonly { entry: RegisteredServer }[]): void {
    this.registry.set(servers.map(({ entry }) => entry))
  }

  /** From its next start on, a server dials another one, of a higher id, where nobody is. */
  blind(server: number, peer: number): void {
    const { entry } = this.server(peer)
    const endpoint = 'http://127.0.0.1:1'
    this.#views.set(server, new MemoryRegistry(this.servers.map((other) => (other.id === peer ? { ...entry, endpoint } : other.entry))))
  }

  /** The registry as a server sees it. */
  view(server: number): MemoryRegistry {
    return this.#views.get(server) ?? this.registry
  }

  key(name: string): Promise<ServerKey> {
    return createServerKeyFile(join(this.#folder, name))
  }

  /** Where the key of a server is. */
  keyFile(id: number): string {
    return join(this.#folder, `server-${id}`)
  }

  async start(): Promise<void> {
    for (const server of this.servers) await server.start()
  }

  async message(text: string): Promise<NewEntry> {
    const { signed } = await signMessage(this.signer, this.channel.id, { message: text, sentAt: Date.now() })
    return messageEntry(await verifyMessage(this.channel.id, signed), this.channel.genesis.lifetimeMs)
  }

  get genesis(): NewEntry {
    return genesisEntry(this.channel)
  }

  /** The vector of every server that runs, as text. */
  async vectors(): Promise<string[]> {
    const running = this.servers.filter(({ running }) => running)
    return Promise.all(running.map(async ({ store }) => JSON.stringify((await store.vector()).toData())))
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.close()))
    await rm(this.#folder, { recursive: true })
  }
}

/** How often each thing happened. */
export interface Counts {
  sent: number
  stored: number
  known: number
  refused: number
  rejected: number
}

export class TestServer {
  readonly id: number
  readonly entry: RegisteredServer
  readonly key: ServerKey
  /** Unix milliseconds, as this server's clock shows them. */
  clock: () => number = Date.now
  /** Called whenever somebody dials while nothing runs. */
  onRefused: () => void = () => undefined
  readonly counts: Counts = { sent: 0, stored: 0, known: 0, refused: 0, rejected: 0 }
  readonly #cluster: Cluster
  readonly #options: ClusterOptions
  readonly #http: Http2Server
  readonly #sockets = new Set<Socket>()
  #store: Store | undefined
  #replicator: Replicator | undefined
  #notices: ServerNotices | undefined
  #incarnation: Incarnation | undefined

  private constructor(entry: RegisteredServer, key: ServerKey, parts: { cluster: Cluster; options: ClusterOptions; http: Http2Server }) {
    this.id = entry.id
    this.entry = entry
    this.key = key
    this.#cluster = parts.cluster
    this.#options = parts.options
    this.#http = parts.http
    // A link is open as soon as a stream comes: nothing that was sent before there is a replicator is lost.
    this.#http.on('stream', (stream: ServerHttp2Stream) => {
      if (this.#replicator) this.#replicator.accept(stream)
      else {
        stream.destroy()
        this.onRefused()
      }
    })
    this.#http.on('sessionError', () => undefined)
    this.#http.on(parts.options.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  static async listen(id: number, cluster: Cluster, options: ClusterOptions): Promise<TestServer> {
    const http = options.tls ? createSecureServer(options.tls) : createServer()
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const { port } = http.address() as AddressInfo
    const key = await cluster.key(`server-${id}`)
    const { keyX, keyY, keyId } = key
    const endpoint = options.tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`
    return new TestServer(registeredServer(id, { keyX, keyY, keyId, endpoint }), key, { cluster, options, http })
  }

  get running(): boolean {
    return this.#replicator !== undefined
  }

  get store(): Store {
    if (!this.#store) throw new Error(`Server ${this.id} has no store now`)
    return this.#store
  }

  get replicator(): Replicator {
    if (!this.#replicator) throw new Error(`Server ${this.id} does not run now`)
    return this.#replicator
  }

  get notices(): ServerNotices {
    if (!this.#notices) throw new Error(`Server ${this.id} does not run now`)
    return this.#notices
  }

  get incarnation(): number {
    return this.#self.incarnation
  }

  get #self() {
    if (!this.#incarnation) throw new Error(`Server ${this.id} has never run`)
    return this.#incarnation.self
  }

  /** Boots with the store it had, or a given one, or a new one. */
  async start(store?: Store): Promise<void> {
    this.#store = store ?? this.#store ?? (await openSqliteStore({ path: ':memory:' }))
    const incarnation = new Incarnation(this.id, await this.#store.vector(), () => this.clock())
    this.#incarnation = incarnation
    // Before whoever else is told.
    this.#store.onReconnected(() => incarnation.renew())
    this.#notices = new ServerNotices({ store: this.#store, bus: noBus, now: () => this.clock(), expireEveryMs: 20 })
    this.#options.prepare?.(this.#notices)
    await this.#notices.start()
    this.#replicator = createReplicator({
      store: this.#store,
      notices: this.#notices,
      registry: this.#cluster.view(this.id),
      key: this.key,
      self: () => incarnation.self,
      outgrow: (other) => incarnation.renew(other),
      events: { sent: () => this.counts.sent++, received: (result) => this.counts[result]++ },
      ...(this.#options.tls ? { tlsCa: this.#options.tls.cert } : {}),
      now: () => this.clock(),
      timings: quick,
      relay: { timings: quickRelay },
      ...this.#options.replicator,
    })
    await this.#replicator.start()
  }

  /** The process ends; its store stays. */
  async stop(): Promise<void> {
    const replicator = this.#replicator
    this.#replicator = undefined
    this.#notices?.stop()
    this.#notices = undefined
    await replicator?.stop()
    this.cut()
  }

  /** What every count that is known here stands for: `<origin>-<n>` and an id. */
  async coordinates(): Promise<Map<string, string>> {
    const counts = new Map<string, string>()
    const vector = await this.store.vector()
    for (const origin of vector.origins) {
      const range = { ...parseOrigin(origin), from: 1, to: vector.watermark(origin) }
      for (const entry of await this.store.readOrigin(range, 100_000)) {
        if ('id' in entry) counts.set(`${origin}-${entry.coordinate.n}`, entry.id)
      }
    }
    return counts
  }

  async loseStore(): Promise<void> {
    await this.#store?.close()
    this.#store = undefined
  }

  /** Breaks every connection that a peer opened. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async take(entry: NewEntry) {
    return this.store.append(entry, this.#self, this.replicator.clock())
  }

  /** Ids of the cluster's channel in ascending order: equal everywhere in the end, whatever the order of arrival. */
  async ids(): Promise<string[]> {
    const messages = await this.store.readForward(this.#cluster.channel.id, new VersionVector(), { limit: 100_000 })
    return messages.map(({ entry }) => entry.id).sort()
  }

  async close(): Promise<void> {
    await this.stop()
    await this.#store?.close()
    await new Promise((resolve) => this.#http.close(resolve))
  }
}
