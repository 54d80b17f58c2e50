import { type Receipt, type Signer, signMessage, type StoredEvent, verifyReceipt, type WellKnown } from '@dred/protocol'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ServerKey } from './chain/server-key.ts'
import { createNode, type Node } from './node.ts'
import { createReplicator } from './peers/replicator.ts'
import { quick, quickRelay } from './peers/testing/cluster.ts'
import type { Store } from './store/port.ts'
import { openSqliteStore } from './store/sqlite.ts'
import { noChain } from './testing/no-chain.ts'
import { MemoryRegistry, registeredServer } from './testing/registry-view.ts'
import { newServerKey } from './testing/server-key.ts'
import { testSettings } from './testing/settings.ts'
import { StreamReader } from './testing/stream-client.ts'
import { createChannel, testSigner } from './testing/test-node.ts'

/** A whole server of the neighborhood; its store and its port outlive it. */
class Server {
  readonly id: number
  readonly key: ServerKey
  readonly store: Store
  readonly #registry: MemoryRegistry
  #port = 0
  #node: Node | undefined

  constructor(id: number, parts: { key: ServerKey; store: Store; registry: MemoryRegistry }) {
    this.id = id
    this.key = parts.key
    this.store = parts.store
    this.#registry = parts.registry
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async start(): Promise<void> {
    const { key, store } = this
    this.#node = await createNode(
      { ...testSettings, port: this.#port },
      {
        store,
        registry: this.#registry,
        self: { id: this.id },
        key,
        wallets: noChain,
        replicatorFactory: (context) => createReplicator({ ...context, key, timings: quick, relay: { timings: quickRelay } }),
        now: Date.now,
        logger: pino({ level: 'silent' }),
      },
    )
    this.#port = Number(new URL(this.#node.url).port)
  }

  async stop(): Promise<void> {
    await this.#node?.close()
    this.#node = undefined
  }
}

let registry: MemoryRegistry
let servers: [Server, Server, Server]
let signer: Signer
let channel: string

beforeEach(async () => {
  registry = new MemoryRegistry([])
  const make = async (id: number): Promise<Server> =>
    new Server(id, { key: await newServerKey(), store: await openSqliteStore({ path: ':memory:' }), registry })
  servers = [await make(1), await make(2), await make(3)]
  registry.set(servers.map(({ id, key: { keyX, keyY, keyId } }) => registeredServer(id, { keyX, keyY, keyId })))
  for (const server of servers) await server.start()
  registry.set(servers.map(({ id, url, key: { keyX, keyY, keyId } }) => registeredServer(id, { keyX, keyY, keyId, endpoint: url })))
  signer = await testSigner()
  channel = await createChannel(servers[0].url, signer)
})
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  await Promise.all(servers.map(({ store }) => store.close()))
})

const sign = async (message: unknown) => (await signMessage(signer, channel, { message, sentAt: Date.now() })).signed

async function post(body: object, query = '', at = servers[0]): Promise<Receipt> {
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(`${at.url}/channel/${channel}${query}`, request)
  expect([200, 201]).toContain(response.status)
  return ((await response.json()) as { receipt: Receipt }).receipt
}

const storedEvents = ({ events }: StreamReader): StoredEvent[] => events.filter((event) => event.type === 'stored')

/** Waits until a message is said to be stored on so many servers. @returns the statement */
async function climbed(reader: StreamReader, n: number, stored: number): Promise<StoredEvent> {
  const find = (): StoredEvent | undefined => storedEvents(reader).find((event) => event.n >= n && event.stored >= stored)
  await reader.until(() => find() !== undefined)
  return find() as StoredEvent
}

test('a message climbs from one server to three, waits for one that is away, and the words for it are signed', async () => {
  const [first, , third] = servers
  const reader = await StreamReader.open(`${first.url}/channel/${channel}/stream?receipts=stored`)
  await reader.untilCaughtUp()

  const all = await post(await sign('all'), '?stored=all')
  expect(all).toMatchObject({ server: 1, stored: 3, servers: 3 })
  expect(await climbed(reader, all.n, 3)).toMatchObject({ server: 1, servers: 3 })

  await third.stop()
  const body = await sign('without the third')
  const most = await post(body, '?stored=all&waitMs=300')
  expect(most).toMatchObject({ stored: 2, servers: 3 })
  expect(await post(body, '?stored=quorum')).toMatchObject({ n: most.n, stored: 2 })
  await climbed(reader, most.n, 2)
  expect(storedEvents(reader).filter(({ n, stored }) => n >= most.n && stored > 2)).toEqual([])

  await third.start()
  const again = await post(body, '?stored=all')
  expect(again).toMatchObject({ n: most.n, stored: 3, servers: 3 })
  const event = await climbed(reader, most.n, 3)
  const told = storedEvents(reader)
  for (const statement of [all, most, again, event, ...told]) expect(await verifyReceipt(statement, first.key)).toBe(true)
  expect(await verifyReceipt({ ...most, stored: 3 }, first.key)).toBe(false)
  expect(await verifyReceipt(again, third.key)).toBe(false)
  const { json } = { json: (await (await fetch(`${third.url}/.well-known/dred`)).json()) as WellKnown }
  const [key = { keyX: '', keyY: '' }] = json.servers.find(({ id }) => id === 1)?.keys ?? []
  expect(await verifyReceipt(again, key)).toBe(true)
  reader.stop()
})

test('what entered elsewhere is known to be here, and no more', async () => {
  const [, second] = servers
  const body = await sign('elsewhere')
  const { n } = await post(body, '?stored=all')
  expect(await post(body, '?stored=all&waitMs=10000', second)).toMatchObject({ server: 1, n, signer: 2, stored: 1, servers: 3 })
})

test('a server that begins again counts anew', async () => {
  const [first] = servers
  const body = await sign('before')
  const { incarnation } = await post(body, '?stored=all')
  await first.stop()
  await first.start()
  expect(await post(body, '?stored=all')).toMatchObject({ incarnation, stored: 1 })
  const after = await post(await sign('after'), '?stored=all')
  expect(after).toMatchObject({ n: 1, stored: 3 })
  expect(after.incarnation).toBeGreaterThan(incarnation)
})

test('a neighborhood that has shrunk to one server has all there is', async () => {
  const [first] = servers
  const waiting = post(await sign('alone'), '?stored=all')
  await Promise.all(servers.slice(1).map((server) => server.stop()))
  registry.set(registry.servers().filter(({ id }) => id === 1))
  const receipt = await waiting
  expect(receipt.stored).toBe(receipt.servers)
  expect(await post(await sign('and one more'), '?stored=all')).toMatchObject({ signer: first.id, stored: 1, servers: 1 })
})
