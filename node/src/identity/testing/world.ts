import {
  type Delegation,
  delegationText,
  encodeBase64url,
  type ErrorCode,
  errors,
  type NeighborhoodRef,
  type Session,
  sessionBytes,
  type Signer,
} from '@dred/protocol'
import { pino } from 'pino'
import { expect } from 'vitest'
import { type Chain, startChain } from '../../../../test/fixtures/chain.ts'
import type { ServerKey } from '../../chain/server-key.ts'
import { createNode, type Node } from '../../node.ts'
import { createReplicator } from '../../peers/index.ts'
import { quick, quickRelay } from '../../peers/testing/cluster.ts'
import type { Store } from '../../store/port.ts'
import { openSqliteStore } from '../../store/sqlite.ts'
import { MemoryRegistry, registeredServer } from '../../testing/registry-view.ts'
import { newServerKey } from '../../testing/server-key.ts'
import { testSettings } from '../../testing/settings.ts'
import { testSigner } from '../../testing/test-node.ts'
import { identityDefaults, type IdentityConfig } from '../config.ts'
import { viemWalletChain } from '../wallet-chain.ts'
import { type CountingRpc, countingRpc } from './rpc.ts'
import { type Contracts, deployContracts, type TestWallet } from './wallets.ts'

export interface Answer {
  status: number
  headers: Headers
  json: Record<string, unknown>
}

/** One chain with tokens and wallets, for all worlds of a test file. */
export interface Ground {
  chain: Chain
  contracts: Contracts
}

export async function prepareGround(): Promise<Ground> {
  const chain = await startChain()
  return { chain, contracts: await deployContracts(chain) }
}

/** Two linked servers of a neighborhood, with a chain behind them that can be counted and cut off. */
export class World {
  readonly registry = new MemoryRegistry([])
  readonly rpc: CountingRpc
  readonly ground: Ground
  readonly #running: { id: number; key: ServerKey; store: Store; node: Node }[] = []
  #ahead = 0

  private constructor(ground: Ground, rpc: CountingRpc) {
    this.ground = ground
    this.rpc = rpc
  }

  static async start(ground: Ground, settings: Partial<IdentityConfig> = {}): Promise<World> {
    const world = new World(ground, await countingRpc(ground.chain.rpcUrl))
    const keys = [await newServerKey(), await newServerKey()]
    const register = (urls: string[]): void =>
      world.registry.set(
        keys.map(({ keyX, keyY, keyId }, at) => {
          const endpoint = urls[at]
          return registeredServer(at + 1, { keyX, keyY, keyId, ...(endpoint === undefined ? {} : { endpoint }) })
        }),
      )
    register([])
    for (const [at, key] of keys.entries()) await world.#start(at + 1, key, { ...identityDefaults, ...settings })
    register(world.#running.map(({ node }) => node.url))
    await world.seeBlock()
    return world
  }

  get ref(): NeighborhoodRef {
    return this.registry
  }

  /** Unix ms, as the servers have it. */
  readonly now = (): number => Date.now() + this.#ahead

  advance(byMs: number): void {
    this.#ahead += byMs
  }

  url(server: number): string {
    return this.#server(server).node.url
  }

  key(server: number): ServerKey {
    return this.#server(server).key
  }

  /** Has the servers know the chain's last block. */
  async seeBlock(): Promise<void> {
    this.registry.block = Number(await this.ground.chain.clock.getBlockNumber({ cacheTime: 0 }))
  }

  async call(
    server: number,
    path: string,
    request: { method?: string; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const { method = request.body === undefined ? 'GET' : 'POST', body, headers } = request
    const response = await fetch(this.url(server) + path, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, json: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
  }

  /** `POST /session`. */
  session(body: unknown, server = 1): Promise<Answer> {
    return this.call(server, '/session', { body })
  }

  /** Asks something with a bearer token, which judges the token. */
  use(token: string, server = 1): Promise<Answer> {
    return this.call(server, '/.well-known/dred', { headers: bearer(token) })
  }

  /** The answer to a challenge of a server, as the device gives it. */
  async answer(server: number, device: Signer): Promise<{ key: string; challenge: string; sig: string }> {
    const { json } = await this.session({ key: device.key }, server)
    const { challenge } = json as { challenge: string }
    return { key: device.key, challenge, sig: await this.sign(device, sessionBytes(this.ref, { server, key: device.key, challenge })) }
  }

  async sign(device: Signer, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    return encodeBase64url(await device.sign(bytes))
  }

  async open(server: number, device: Signer, delegation?: Delegation): Promise<Session> {
    const { status, json } = await this.session({ ...(await this.answer(server, device)), delegation }, server)
    if (status !== 201) throw new Error(JSON.stringify(json))
    return json as Session
  }

  /** A device whose wallet has delegated to it, in a session with the first server. */
  async openFor(wallet: TestWallet): Promise<{ device: Signer; token: string; delegation: Delegation }> {
    const device = await testSigner()
    const delegation = await this.delegate(wallet, device)
    return { device, delegation, ...(await this.open(1, device, delegation)) }
  }

  async delegate(
    { address, sign }: TestWallet,
    { key }: Signer,
    times: { issuedAt?: number; expiresAt?: number } = {},
  ): Promise<Delegation> {
    const { issuedAt = this.now() - 1_000, expiresAt = this.now() + 86_400_000 } = times
    const message = delegationText(this.ref, key, { address, domain: 'poker.example', uri: 'https://poker.example', issuedAt, expiresAt })
    return { message, signature: await sign(message) }
  }

  async close(): Promise<void> {
    for (const { node, store } of this.#running) {
      await node.close()
      await store.close()
    }
    await this.rpc.close()
  }

  #server(id: number) {
    const found = this.#running.find((server) => server.id === id)
    if (!found) throw new Error('no such server')
    return found
  }

  async #start(id: number, key: ServerKey, identity: IdentityConfig): Promise<void> {
    const store = await openSqliteStore({ path: ':memory:' })
    const node = await createNode(
      { ...testSettings, identity, keepaliveMs: 100 },
      {
        store,
        registry: this.registry,
        self: { id },
        key,
        wallets: viemWalletChain(this.rpc.url),
        replicatorFactory: (context) => createReplicator({ ...context, key, timings: quick, relay: { timings: quickRelay } }),
        now: this.now,
        logger: pino({ level: 'silent' }),
      },
    )
    this.#running.push({ id, key, store, node })
  }
}

export const bearer = (token: string, capability?: string): Record<string, string> => ({
  authorization: `Bearer ${token}`,
  ...(capability === undefined ? {} : { 'dred-capability': capability }),
})

/** @param detail what the problem says more */
export function expectProblem({ status, json, headers }: Answer, code: ErrorCode, detail = /^/): void {
  expect(json).toMatchObject({ code, status: errors[code].status, retryable: errors[code].retryable })
  expect(status).toBe(errors[code].status)
  expect(headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null)
  expect((json['detail'] as string | undefined) ?? '').toMatch(detail)
}
