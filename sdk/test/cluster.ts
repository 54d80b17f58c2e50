import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  createDredClient,
  type DredClient,
  type DredClientError,
  type DredClientOptions,
  memoryStorage,
  type Timing,
} from '../src/index.ts'
import { Relay } from './relay.ts'
import type { TestKey } from './server-key.ts'

/** Fast enough for tests, slow enough for two busy cores. */
const testTiming: Partial<Timing> = {
  requestMs: 2_000,
  publishAttemptMs: 500,
  publishDeadlineMs: 10_000,
  requestDeadlineMs: 5_000,
  hedgeMs: 300,
  keepaliveMs: 15_000,
  backoffBaseMs: 20,
  backoffCapMs: 200,
  suspendAfterMs: 60_000,
}

/** A discovery service over a fixed list of servers. */
export class DiscoveryService {
  servers: { id: number; endpoint: string; keyX?: string; keyY?: string }[] = []
  /** Of each server with former keys: all that are accepted, and those that were. */
  readonly keys = new Map<number, { key: Pick<TestKey, 'keyX' | 'keyY'>; acceptedUntil: number | null }[]>()
  pageSize = 100
  readonly answered: number[] = []
  keysAsked = 0
  #server: HttpServer | undefined
  #port = 0

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', this.url)
      const server = /^\/v1\/servers\/(\d+)\/keys$/.exec(url.pathname)?.[1]
      if (server !== undefined) {
        const items = (this.keys.get(Number(server)) ?? []).map(({ key: { keyX, keyY }, acceptedUntil }) => ({ keyX, keyY, acceptedUntil }))
        this.keysAsked++
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ items, next: null }))
        return
      }
      const etag = `"${this.servers.map(({ id }) => id).join('-')}"`
      const from = Number(url.searchParams.get('cursor') ?? 0)
      const found = url.pathname === '/v1/neighborhoods/7/servers' && url.searchParams.get('status') === 'active'
      const status = !found ? 404 : request.headers['if-none-match'] === etag ? 304 : 200
      this.answered.push(status)
      response.writeHead(status, { 'content-type': 'application/json', etag })
      const items = this.servers.slice(from, from + this.pageSize).map((entry) => ({ ...entry, status: 'active' }))
      const next = from + this.pageSize < this.servers.length ? String(from + this.pageSize) : null
      response.end(status === 200 ? JSON.stringify({ items, next, block: { number: 1, hash: '0x1' } }) : undefined)
    })
    server.listen(this.#port, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
}

/** A neighborhood of relays that replicate to each other, its discovery, and clients that remember what went wrong. */
export class Cluster {
  readonly relays: Relay[]
  readonly discovery = new DiscoveryService()
  readonly #clients: DredClient[] = []

  constructor(options: { relays: number; keepaliveMs?: number; linked?: boolean }) {
    this.relays = Array.from({ length: options.relays }, (_, i) => new Relay(i + 1, { keepaliveMs: options.keepaliveMs ?? 5_000 }))
    if (options.linked === false) return
    for (const relay of this.relays) for (const peer of this.relays) if (peer !== relay) relay.peers.add(peer)
  }

  static async start(options: { relays: number; keepaliveMs?: number; linked?: boolean }): Promise<Cluster> {
    const cluster = new Cluster(options)
    await Promise.all([cluster.discovery.start(), ...cluster.relays.map((relay) => relay.start())])
    const listed = cluster.relays.map(({ id, endpoint, key: { keyX = '', keyY = '' } = {} }) => ({ id, endpoint, keyX, keyY }))
    cluster.discovery.servers = listed
    const known = listed.map(({ id, endpoint, keyX, keyY }) => ({ id, endpoint, keys: [{ keyX, keyY }] }))
    for (const relay of cluster.relays) relay.known.push(...known)
    return cluster
  }

  relay(id: number): Relay {
    const relay = this.relays[id - 1]
    if (!relay) throw new Error(`There is no relay ${id}`)
    return relay
  }

  /** The first relays in the order of their ids are preferred, so that tests know which ones are used. */
  client(options: Partial<DredClientOptions> = {}): DredClient & { errors: DredClientError[] } {
    let drawn = 0
    const client = createDredClient({
      neighborhood: '7',
      discovery: [this.discovery.url],
      storage: memoryStorage(),
      random: () => Math.min(0.99, 0.1 * drawn++),
      ...options,
      timing: { ...testTiming, ...options.timing },
    })
    const errors: DredClientError[] = []
    client.on('error', (error) => errors.push(error))
    this.#clients.push(client)
    return Object.defineProperties(client, { errors: { value: errors } }) as DredClient & { errors: DredClientError[] }
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close()
    await Promise.all([this.discovery.stop(), ...this.relays.map((relay) => relay.kill())])
  }
}
