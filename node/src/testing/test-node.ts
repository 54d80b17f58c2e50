import { generateDeviceKey, type Signer, signGenesis, signMessage, webCryptoSigner } from '@dred/protocol'
import { pino } from 'pino'
import { createNode, type Node, type NodeDependencies, type NodeSettings } from '../node.ts'
import { noLinks } from '../peers/no-links.ts'
import type { Replicator } from '../peers/port.ts'
import type { Store } from '../store/port.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { RegisteredServer } from '../chain/port.ts'
import { noChain } from './no-chain.ts'
import { MemoryRegistry, registeredServer } from './registry-view.ts'
import { newServerKey } from './server-key.ts'
import { testSettings } from './settings.ts'

/** A server in this process with a store in memory, and the hands to turn its world with. */
export interface TestNode extends Node {
  registry: MemoryRegistry
  /** As it is registered: server 1, attested. */
  self: RegisteredServer
  store: Store
  /** Lets time go by, in milliseconds. */
  advance(byMs: number): void
}

/** A replicator of a server that is alone. */
export function noReplicator(): Replicator {
  let clock = 0
  return {
    start: async () => undefined,
    accept: (stream) => stream.destroy(),
    connected: () => [],
    clock: () => (clock = Math.max(clock + 1, Date.now() * 1_000)),
    admit: async () => undefined,
    confirmed: () => ({ upTo: [], servers: 1 }),
    onConfirmed: () => () => undefined,
    purged: () => undefined,
    statistics: noLinks,
    stop: async () => undefined,
  }
}

export async function startTestNode(
  settings: Partial<NodeSettings> = {},
  dependencies: Partial<Pick<NodeDependencies, 'store' | 'replicatorFactory' | 'key' | 'wallets' | 'tracing'>> = {},
): Promise<TestNode> {
  const key = dependencies.key ?? (await newServerKey())
  const { keyX, keyY, keyId } = key
  const self = registeredServer(1, { keyX, keyY, keyId })
  const registry = new MemoryRegistry([self])
  const store = dependencies.store ?? (await openSqliteStore({ path: ':memory:' }))
  let ahead = 0
  const node = await createNode(
    { ...testSettings, ...settings },
    {
      store,
      registry,
      self,
      key,
      wallets: dependencies.wallets ?? noChain,
      tracing: dependencies.tracing,
      replicatorFactory: dependencies.replicatorFactory ?? noReplicator,
      now: () => Date.now() + ahead,
      logger: pino({ level: 'silent' }),
    },
  )
  return {
    url: node.url,
    adminUrl: node.adminUrl,
    registry,
    self,
    store,
    advance: (byMs) => {
      ahead += byMs
    },
    close: async () => {
      await node.close()
      await store.close()
    },
  }
}

/** A device key that signs. */
export async function testSigner(): Promise<Signer> {
  return webCryptoSigner(await generateDeviceKey({ extractable: false }))
}

/** A new channel at a server. @returns its id */
export async function createChannel(url: string, signer: Signer, fields: Partial<Parameters<typeof signGenesis>[1]> = {}): Promise<string> {
  const { id, genesis } = await signGenesis(signer, {
    neighborhood: '1',
    createdAt: Date.now(),
    salt: crypto.getRandomValues(new Uint8Array(16)),
    ...fields,
  })
  const response = await fetch(`${url}/channel/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(genesis),
  })
  if (!response.ok) throw new Error(`PUT answered ${response.status}: ${await response.text()}`)
  await response.arrayBuffer()
  return id
}

/** Signs a value for a channel and posts it. */
export async function publish(
  url: string,
  channel: string,
  { signer, message, sentAt = Date.now() }: { signer: Signer; message: unknown; sentAt?: number },
) {
  const { id, signed } = await signMessage(signer, channel, { message, sentAt })
  const response = await fetch(`${url}/channel/${channel}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(signed),
  })
  return { id, signed, status: response.status, body: (await response.json()) as Record<string, unknown> }
}
