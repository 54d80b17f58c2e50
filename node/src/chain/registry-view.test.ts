import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createNeighborhood, deploy, requestExit, setEndpoint, startChain } from '../../../test/fixtures/chain.ts'
import { eventually } from '../testing/eventually.ts'
import type { ChainError, ChainErrorCode } from './chain-error.ts'
import type { RegistryView } from './port.ts'
import { findOwnServer } from './registry-view.ts'
import { RegistryHarness } from './testing/harness.ts'

let harness: RegistryHarness

beforeEach(async () => {
  harness = await RegistryHarness.start()
})
afterEach(() => harness.close())

async function codeOf(result: Promise<unknown>): Promise<ChainErrorCode | undefined> {
  return result.then(
    () => undefined,
    (error: ChainError) => error.code,
  )
}

const endpoints = (view: RegistryView) => view.servers().map(({ id, endpoint }) => [id, endpoint])
/** Polls: the view follows the chain by itself. */

describe('a view of the registry', () => {
  it('begins with what was registered before, of its own neighborhood only', async () => {
    await createNeighborhood(harness.chain.wallet(0), harness.registries)
    await harness.register(0, 'https://a.example')
    await harness.register(1, 'https://b.example', 2)
    await harness.register(2, 'https://c.example')
    await requestExit(harness.chain.wallet(0), harness.registries, 3)
    const view = await harness.open()
    const { keyX, keyY, keyId } = harness.key(0)
    const operator = harness.chain.wallet(0).account.address.toLowerCase()
    expect(view.servers()).toMatchObject([{ id: 1 }, { id: 3, status: 'exiting' }])
    expect(view.server(1)).toEqual({
      id: 1,
      operator,
      keyId,
      keyX,
      keyY,
      endpoint: 'https://a.example',
      did: 'did:web:operator.example',
      status: 'pending',
      validUntil: 0,
      formerKeys: [],
      proposedEndpoint: undefined,
    })
    expect(view.server(2)).toBeUndefined()
    expect(view.peers()).toEqual([])
    expect(view.parameters).toEqual({ maxChannelLifetimeMs: 604_800_000, maxChannelIdleMs: 86_400_000, maxMessageBytes: 65_536 })
    expect(view.freshness()).toMatchObject({ fresh: true, block: await harness.head() })
  })

  it('follows registrations, endpoints and exits', async () => {
    const view = await harness.open()
    expect(view.servers()).toEqual([])
    await harness.register(0, 'https://a.example')
    await harness.register(1, 'https://b.example')
    await eventually(() => endpoints(view)).toEqual([
      [1, 'https://a.example'],
      [2, 'https://b.example'],
    ])
    await setEndpoint(harness.chain.wallet(0), harness.registries, { id: 2, endpoint: 'https://b2.example:8443' })
    await eventually(() => endpoints(view)).toEqual([
      [1, 'https://a.example'],
      [2, 'https://b2.example:8443'],
    ])
    expect(findOwnServer(view, harness.key(0).keyId.toUpperCase())?.id).toBe(1)
    expect(findOwnServer(view, harness.key(2).keyId)).toBeUndefined()
    await requestExit(harness.chain.wallet(0), harness.registries, 1)
    await eventually(() => view.server(1)?.status).toBe('exiting')
  })

  it('takes back what a reorganisation took back, though the chain is longer then', async () => {
    const view = await harness.open()
    const before = await harness.chain.clock.snapshot()
    await harness.register(0, 'https://a.example')
    await eventually(() => endpoints(view)).toEqual([[1, 'https://a.example']])
    await harness.chain.clock.revert({ id: before })
    await harness.chain.clock.mine({ blocks: 10 })
    await eventually(() => endpoints(view)).toEqual([])
    await harness.register(1, 'https://b.example')
    await eventually(() => endpoints(view)).toEqual([[1, 'https://b.example']])
    expect(view.freshness().fresh).toBe(true)
  })

  it('stays as it was while the chain is away, and reads the one that comes in its place', async () => {
    await harness.register(0, 'https://a.example')
    const view = await harness.open({ staleAfterMs: 100 })
    const { port } = harness.chain
    await harness.chain.close()
    await eventually(() => view.freshness().fresh).toBe(false)
    expect(view.servers()).toHaveLength(1)

    harness.chain = await startChain(port)
    // The same account deploys to the same addresses.
    const deployed = await deploy(harness.chain)
    expect({ ...deployed, attester: undefined }).toEqual({ ...harness.registries, attester: undefined })
    await createNeighborhood(harness.chain.wallet(0), harness.registries)
    await harness.register(1, 'https://b.example')
    await eventually(() => endpoints(view)).toEqual([[1, 'https://b.example']])
    await eventually(() => view.freshness().fresh).toBe(true)
  })

  it('goes on telling its listeners when one of them fails', async () => {
    const view = await harness.open()
    view.onChange(() => {
      throw new Error('a faulty listener')
    })
    let told = 0
    const stop = view.onChange(() => told++)
    await harness.register(0, 'https://a.example')
    await eventually(() => told).toBe(1)
    await harness.register(1, 'https://b.example')
    await eventually(() => told).toBe(2)
    stop()
    await harness.register(2, 'https://c.example')
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
        const answer = await fetch(harness.chain.rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
        response.end(await answer.text())
      })()
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  })
  afterEach(() => new Promise((resolve) => proxy.close(resolve)))

  it('that gives few blocks at a time is asked for few at a time', async () => {
    await harness.register(0, 'https://a.example')
    await harness.chain.clock.mine({ blocks: 5 })
    await harness.register(1, 'https://b.example')
    const view = await harness.open({ rpcUrl: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` })
    expect(view.servers().map(({ id }) => id)).toEqual([1, 2])
    expect(ranges[0]).toBeGreaterThan(3)
    expect(ranges.at(-1)).toBeLessThanOrEqual(3)
  })
})

describe('refuses to begin', () => {
  it('without a chain', async () => {
    const { port } = harness.chain
    await harness.chain.close()
    expect(await codeOf(harness.open())).toBe('unreachable')
    harness.chain = await startChain(port)
  })

  it('on another chain', async () => {
    expect(await codeOf(harness.open({ chainId: 1 }))).toBe('wrong_chain')
  })

  it('where there are no contracts', async () => {
    const nobody = '0x00000000000000000000000000000000000000aa'
    expect(await codeOf(harness.open({ serverRegistry: nobody }))).toBe('no_contract')
    expect(await codeOf(harness.open({ neighborhoodRegistry: nobody }))).toBe('no_contract')
  })

  it('for a neighborhood that is not there', async () => {
    expect(await codeOf(harness.open({ neighborhood: '9' }))).toBe('unknown_neighborhood')
  })

  it('without telling the secret in the address of the provider', async () => {
    const error: unknown = await harness.open({ rpcUrl: 'http://127.0.0.1:1/v3/secret-token' }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'unreachable' })
    const { message, stack, cause } = error as Error
    expect(`${message} ${stack} ${String(cause)}`).not.toContain('secret-token')
  })
})
