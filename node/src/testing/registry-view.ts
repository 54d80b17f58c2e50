import type { RegisteredServer, RegistryFreshness, RegistryView } from '../chain/port.ts'
import { isAttested, peersOf } from '../chain/standing.ts'

/** What a chain would say, set by a test. */
export class MemoryRegistry implements RegistryView {
  readonly chainId = 31_337
  readonly serverRegistry = '0x00000000000000000000000000000000000000aa'
  readonly neighborhood: string
  parameters = { maxChannelLifetimeMs: 30 * 86_400_000, maxChannelIdleMs: 30 * 86_400_000, maxMessageBytes: 65_536 }
  isFresh = true
  /** The last block that was read. */
  block = 1
  /** Unix seconds, as the chain and its readers have them. */
  time: () => number = () => Math.floor(Date.now() / 1_000)
  readonly #listeners = new Set<() => void>()
  #servers: RegisteredServer[]

  constructor(servers: RegisteredServer[] = [registeredServer(1)], neighborhood = '1') {
    this.#servers = servers
    this.neighborhood = neighborhood
  }

  set(servers: RegisteredServer[]): void {
    this.#servers = servers
    this.notice()
  }

  /** As a view tells of what has ended by the passing of time. */
  notice(): void {
    for (const listener of this.#listeners) listener()
  }

  servers(): readonly RegisteredServer[] {
    return this.#servers
  }

  server(id: number): RegisteredServer | undefined {
    return this.#servers.find((server) => server.id === id)
  }

  peers(): readonly RegisteredServer[] {
    return peersOf(this.#servers)
  }

  peer(id: number): RegisteredServer | undefined {
    return this.peers().find((peer) => peer.id === id)
  }

  attested(): readonly RegisteredServer[] {
    return this.#servers.filter((server) => isAttested(server, this.time()))
  }

  now(): number {
    return this.time()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  freshness(): RegistryFreshness {
    return { fresh: this.isFresh, ageMs: this.isFresh ? 0 : 60_000, block: this.block, blockAt: this.time(), failures: 0 }
  }

  async close(): Promise<void> {
    this.#listeners.clear()
  }
}

/** An attested server with made-up keys and addresses. */
export function registeredServer(id: number, fields: Partial<RegisteredServer> = {}): RegisteredServer {
  const digits = id.toString(16).padStart(2, '0')
  return {
    id,
    operator: `0x${digits.repeat(20)}`,
    keyId: `0x${digits.repeat(20)}`,
    endpoint: `http://127.0.0.1:${8000 + id}`,
    did: `did:web:server${id}.example`,
    keyX: `0x${digits.repeat(32)}`,
    keyY: `0x${digits.repeat(32)}`,
    status: 'active',
    validUntil: 2 ** 40 - 1,
    formerKeys: [],
    proposedEndpoint: undefined,
    ...fields,
  }
}
