import { type Control, type ControlName, encodeBase64url, type Session, sessionBytes, type Signer, signMessage } from '@dred/protocol'
import { type Logger, pino } from 'pino'
import type { ServerKey } from '../chain/server-key.ts'
import { createNode, type Node } from '../node.ts'
import { createReplicator } from '../peers/index.ts'
import { quick, quickRelay } from '../peers/testing/cluster.ts'
import type { Store } from '../store/port.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { noChain } from './no-chain.ts'
import { MemoryRegistry, registeredServer } from './registry-view.ts'
import { newServerKey } from './server-key.ts'
import { testSettings } from './settings.ts'

interface Running {
  id: number
  key: ServerKey
  store: Store
  registry: MemoryRegistry
  node: Node
}

export interface Answer {
  status: number
  json: Record<string, unknown>
}

interface NodesOptions {
  keepaliveMs?: number
  open?: (id: number) => Promise<Store>
  logger?: Logger
}

const inMemory = (): Promise<Store> => openSqliteStore({ path: ':memory:' })

/** Whole servers of one neighborhood in this process, linked over real connections, with stores in memory. Ids begin at 1. */
export class Nodes {
  readonly #running: Running[] = []
  readonly #keepaliveMs: number
  readonly #logger: Logger

  private constructor({ keepaliveMs = 15_000, logger = pino({ level: 'silent' }) }: NodesOptions) {
    this.#keepaliveMs = keepaliveMs
    this.#logger = logger
  }

  /** @param options.open makes the store of a server */
  static async start(count: number, { open = inMemory, ...options }: NodesOptions = {}): Promise<Nodes> {
    const nodes = new Nodes(options)
    for (let id = 1; id <= count; id++) {
      const [key, store] = [await newServerKey(), await open(id)]
      const registry = new MemoryRegistry([registeredServer(id, key)])
      nodes.#running.push({ id, key, store, registry, node: await nodes.#boot({ id, key, store, registry }) })
    }
    nodes.join()
    return nodes
  }

  url(id: number): string {
    return this.#server(id).node.url
  }

  adminUrl(id: number): string {
    return this.#server(id).node.adminUrl
  }

  store(id: number): Store {
    return this.#server(id).store
  }

  /** All are linked to all. */
  join(): void {
    this.part(this.#running.map(({ id }) => id))
  }

  /** Only those of one group are linked. */
  part(...groups: number[][]): void {
    for (const group of groups) {
      const known = group.map((id) => this.#entry(id))
      for (const id of group) this.#server(id).registry.set(known)
    }
  }

  /** The process ends and comes back at another address, with its store. */
  async restart(id: number): Promise<void> {
    const server = this.#server(id)
    await server.node.close()
    server.node = await this.#boot(server)
    this.join()
  }

  /** The process ends and comes back with another store, linked to nobody yet: see {@link join}. */
  async replaceStore(id: number, open: () => Promise<Store>): Promise<void> {
    const server = this.#server(id)
    await server.node.close()
    await server.store.close()
    server.store = await open()
    server.node = await this.#boot(server)
  }

  /** The process ends; its store stays. */
  async stop(id: number): Promise<void> {
    await this.#server(id).node.close()
  }

  async close(): Promise<void> {
    for (const { node } of this.#running) await node.close()
    for (const { store } of this.#running) await store.close()
  }

  async call(
    id: number,
    path: string,
    { method = 'GET', body, token }: { method?: string; body?: unknown; token?: string } = {},
  ): Promise<Answer> {
    const response = await fetch(this.url(id) + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, json: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
  }

  /** A bearer token of a server for a device. */
  async token(id: number, device: Signer): Promise<string> {
    const { challenge } = (await this.call(id, '/session', { method: 'POST', body: { key: device.key } })).json as { challenge: string }
    const bytes = sessionBytes(this.#server(id).registry, { server: id, key: device.key, challenge })
    const body = { key: device.key, challenge, sig: encodeBase64url(await device.sign(bytes)) }
    return ((await this.call(id, '/session', { method: 'POST', body })).json as Session).token
  }

  /** Signs a control message and posts it. */
  async control(id: number, channel: string, { by, name, body = {}, sentAt = Date.now() }: ControlFields): Promise<Answer> {
    const { signed } = await signMessage(by, channel, { message: body, sentAt, control: name, nonce: crypto.randomUUID() })
    return this.call(id, `/channel/${channel}/${name}`, { method: 'POST', body: signed })
  }

  /** Who belongs to a channel, as a server tells a device: roles by key. */
  async members(id: number, channel: string, device: Signer): Promise<Record<string, string>> {
    const { json } = await this.call(id, `/channel/${channel}/members`, { token: await this.token(id, device) })
    const { items = [] } = json as { items?: { key: string; role: string }[] }
    return Object.fromEntries(items.map(({ key, role }) => [key, role]))
  }

  #server(id: number): Running {
    const found = this.#running.find((server) => server.id === id)
    if (!found) throw new Error(`There is no server ${id}`)
    return found
  }

  #entry(id: number) {
    const { key, node } = this.#server(id)
    return registeredServer(id, { keyX: key.keyX, keyY: key.keyY, keyId: key.keyId, endpoint: node.url })
  }

  #boot({ id, key, store, registry }: Omit<Running, 'node'>): Promise<Node> {
    return createNode(
      { ...testSettings, keepaliveMs: this.#keepaliveMs },
      {
        store,
        registry,
        self: { id },
        key,
        wallets: noChain,
        replicatorFactory: (context) => createReplicator({ ...context, key, timings: quick, relay: { timings: quickRelay } }),
        now: Date.now,
        logger: this.#logger,
      },
    )
  }
}

export interface ControlFields {
  by: Signer
  name: ControlName
  body?: Control['body']
  /** Unix ms; default now. */
  sentAt?: number
}
