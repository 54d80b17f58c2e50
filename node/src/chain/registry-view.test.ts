import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type Chain,
  createNeighborhood,
  deploy,
  type Registries,
  registerServer,
  requestExit,
  setEndpoint,
  startChain,
} from '../../../test/fixtures/chain.ts'
import type { ChainError, ChainErrorCode } from './chain-error.ts'
import type { RegistryView } from './port.ts'
import { findOwnServer, openRegistryView, type RegistryViewOptions } from './registry-view.ts'
import { createServerKeyFile, type ServerKey } from './server-key.ts'

let folder: string
let chain: Chain
let registries: Registries
const keys: ServerKey[] = []
const views: RegistryView[] = []

const key = (at: number): ServerKey => {
  const found = keys[at]
  if (!found) throw new Error('no such key')
  return found
}
const location = (): RegistryViewOptions => {
  const { serverRegistry, neighborhoodRegistry } = registries
  const addresses = { chainId: 31_337, serverRegistry, neighborhoodRegistry }
  return { rpcUrl: chain.rpcUrl, ...addresses, startBlock: 0, neighborhood: '1', pollingMs: 20 }
}

async function open(options: Partial<RegistryViewOptions> = {}): Promise<RegistryView> {
  const view = await openRegistryView({ ...location(), ...options })
  views.push(view)
  return view
}

async function codeOf(result: Promise<unknown>): Promise<ChainErrorCode | undefined> {
  return result.then(
    () => undefined,
    (error: ChainError) => error.code,
  )
}

const endpoints = (view: RegistryView) => view.servers().map(({ id, endpoint }) => [id, endpoint])
/** Polls: the view follows the chain by itself. */
const eventually = <T>(actual: () => T) => expect.poll(actual, { timeout: 10_000, interval: 10 })

const register = (at: number, endpoint: string, neighborhood = 1) =>
  registerServer(chain.wallet(0), registries, { neighborhood, endpoint, key: key(at) })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dred-chain-'))
  for (const name of ['a', 'b', 'c']) keys.push(await createServerKeyFile(join(folder, name)))
})
afterAll(() => rm(folder, { recursive: true }))

beforeEach(async () => {
  chain = await startChain()
  registries = await deploy(chain)
  await createNeighborhood(chain.wallet(0), registries)
})
afterEach(async () => {
  await Promise.all(views.splice(0).map((view) => view.close()))
  await chain.close()
})

describe('a view of the registry', () => {
  it('begins with what was registered before, of its own neighborhood only', async () => {
    await createNeighborhood(chain.wallet(0), registries)
    await register(0, 'https://a.example')
    await register(1, 'https://b.example', 2)
    await register(2, 'https://c.example')
    await requestExit(chain.wallet(0), registries, 3)
    const view = await open()
    const { keyX, keyY, keyId } = key(0)
    const operator = chain.wallet(0).account.address.toLowerCase()
    expect(view.servers()).toEqual([{ id: 1, operator, keyId, keyX, keyY, endpoint: 'https://a.example', did: 'did:web:operator.example' }])
    expect(view.server(2)).toBeUndefined()
    expect(view.parameters).toEqual({ maxChannelLifetimeMs: 604_800_000, maxChannelIdleMs: 86_400_000, maxMessageBytes: 65_536 })
    expect(view.freshness()).toMatchObject({ fresh: true, block: Number(await chain.clock.getBlockNumber({ cacheTime: 0 })) })
  })

  it('follows registrations, endpoints and exits', async () => {
    const view = await open()
    expect(view.servers()).toEqual([])
    await register(0, 'https://a.example')
    await register(1, 'https://b.example')
    await eventually(() => endpoints(view)).toEqual([
      [1, 'https://a.example'],
      [2, 'https://b.example'],
    ])
    await setEndpoint(chain.wallet(0), registries, { id: 2, endpoint: 'https://b2.example:8443' })
    await eventually(() => endpoints(view)).toEqual([
      [1, 'https://a.example'],
      [2, 'https://b2.example:8443'],
    ])
    expect(findOwnServer(view, key(0).keyId.toUpperCase())?.id).toBe(1)
    await requestExit(chain.wallet(0), registries, 1)
    await eventually(() => endpoints(view)).toEqual([[2, 'https://b2.example:8443']])
    expect(findOwnServer(view, key(0).keyId)).toBeUndefined()
  })

  it('takes back what a reorganisation took back, though the chain is longer then', async () => {
    const view = await open()
    const before = await chain.clock.snapshot()
    await register(0, 'https://a.example')
    await eventually(() => endpoints(view)).toEqual([[1, 'https://a.example']])
    await chain.clock.revert({ id: before })
    await chain.clock.mine({ blocks: 10 })
    await eventually(() => endpoints(view)).toEqual([])
    await register(1, 'https://b.example')
    await eventually(() => endpoints(view)).toEqual([[1, 'https://b.example']])
    expect(view.freshness().fresh).toBe(true)
  })

  it('stays as it was while the chain is away, and reads the one that comes in its place', async () => {
    await register(0, 'https://a.example')
    const view = await open({ staleAfterMs: 100 })
    const { port } = chain
    await chain.close()
    await eventually(() => view.freshness().fresh).toBe(false)
    expect(view.servers()).toHaveLength(1)

    chain = await startChain(port)
    // The same account deploys to the same addresses.
    expect(await deploy(chain)).toEqual(registries)
    await createNeighborhood(chain.wallet(0), registries)
    await register(1, 'https://b.example')
    await eventually(() => endpoints(view)).toEqual([[1, 'https://b.example']])
    expect(view.freshness().fresh).toBe(true)
  })

  it('goes on telling its listeners when one of them fails', async () => {
    const view = await open()
    view.onChange(() => {
      throw new Error('a faulty listener')
    })
    let told = 0
    const stop = view.onChange(() => told++)
    await register(0, 'https://a.example')
    await eventually(() => told).toBe(1)
    await register(1, 'https://b.example')
    await eventually(() => told).toBe(2)
    stop()
    await register(2, 'https://c.example')
    await eventually(() => endpoints(view).length).toBe(3)
    expect(told).toBe(2)
  })
})

describe('a provider', () => {
  let proxy: Server
  const ranges: number[] = []

  /** Forwards to the chain, but refuses logs of more than `most` blocks. */
  beforeEach(async () => {
    ranges.length = 0
    proxy = createServer((request, response) => {
      void (async () => {
        const body = Buffer.concat(await request.toArray()).toString()
        const call = JSON.parse(body) as { id: number; method: string; params: [{ fromBlock: string; toBlock: string }] }
        if (call.method === 'eth_getLogs') {
          const blocks = Number(call.params[0].toBlock) - Number(call.params[0].fromBlock) + 1
          ranges.push(blocks)
          if (blocks > 3) {
            response.end(JSON.stringify({ jsonrpc: '2.0', id: call.id, error: { code: -32_005, message: 'block range too wide' } }))
            return
          }
        }
        const answer = await fetch(chain.rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
        response.end(await answer.text())
      })()
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  })
  afterEach(() => new Promise((resolve) => proxy.close(resolve)))

  it('that gives few blocks at a time is asked for few at a time', async () => {
    await register(0, 'https://a.example')
    await chain.clock.mine({ blocks: 5 })
    await register(1, 'https://b.example')
    const view = await open({ rpcUrl: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` })
    expect(view.servers().map(({ id }) => id)).toEqual([1, 2])
    expect(ranges[0]).toBeGreaterThan(3)
    expect(ranges.at(-1)).toBeLessThanOrEqual(3)
  })
})

describe('refuses to begin', () => {
  it('without a chain', async () => {
    const { port } = chain
    await chain.close()
    expect(await codeOf(open())).toBe('unreachable')
    chain = await startChain(port)
  })

  it('on another chain', async () => {
    expect(await codeOf(open({ chainId: 1 }))).toBe('wrong_chain')
  })

  it('where there are no contracts', async () => {
    const nobody = '0x00000000000000000000000000000000000000aa'
    expect(await codeOf(open({ serverRegistry: nobody }))).toBe('no_contract')
    expect(await codeOf(open({ neighborhoodRegistry: nobody }))).toBe('no_contract')
  })

  it('for a neighborhood that is not there', async () => {
    expect(await codeOf(open({ neighborhood: '9' }))).toBe('unknown_neighborhood')
  })

  it('without telling the secret in the address of the provider', async () => {
    const error: unknown = await open({ rpcUrl: 'http://127.0.0.1:1/v3/secret-token' }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'unreachable' })
    const { message, stack, cause } = error as Error
    expect(`${message} ${stack} ${String(cause)}`).not.toContain('secret-token')
  })
})
