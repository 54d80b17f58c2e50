import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Signer } from '@dred/protocol'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { endpointProofStatement, verifyStatement } from '@dred/protocol/statements'
import {
  attestServer,
  type Chain,
  createNeighborhood,
  deploy,
  type Registries,
  registerServer,
  requestExit,
  rotateKey,
  setEndpoint,
  startChain,
} from '../../test/fixtures/chain.ts'
import { createServerKeyFile } from './chain/server-key.ts'
import { type NodeConfig, parseNodeConfig } from './config.ts'
import { startCollector } from './observability/testing/collector.ts'
import { type RunningServer, serve } from './serve.ts'
import { StreamReader } from './testing/stream-client.ts'
import { createChannel, publish, testSigner } from './testing/test-node.ts'

let directory: string
let chain: Chain
let registries: Registries
let signer: Signer

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dred-serve-'))
  chain = await startChain()
  registries = await deploy(chain)
  await createNeighborhood(chain.wallet(0), registries)
  signer = await testSigner()
  // The real endpoints follow once the servers listen.
  await register('a', 'http://127.0.0.1:1')
  await register('b', 'http://127.0.0.1:2')
}, 30_000)
afterAll(async () => {
  await chain.close()
  await rm(directory, { recursive: true })
})

const keyFile = (name: string): string => join(directory, `${name}.pem`)

async function register(name: string, endpoint: string): Promise<void> {
  const key = await createServerKeyFile(keyFile(name))
  await registerServer(chain.wallet(0), registries, { neighborhood: 1, endpoint, key })
}

/** Gives a server another endpoint, at which it is attested. */
async function attestAt(id: number, endpoint: string): Promise<void> {
  await setEndpoint(chain.wallet(0), registries, { id, endpoint })
  await attestServer(chain.wallet(0), registries, { id, neighborhood: 1, endpoint })
}

function config(name: string, fields: Partial<NodeConfig> = {}): NodeConfig {
  const { serverRegistry, neighborhoodRegistry } = registries
  return parseNodeConfig({
    port: 0,
    neighborhood: '1',
    store: { kind: 'sqlite', path: join(directory, `${name}.sqlite`) },
    chain: { rpcUrl: chain.rpcUrl, chainId: 31_337, serverRegistry, neighborhoodRegistry },
    serverKeyFile: keyFile(name),
    logLevel: 'silent',
    ...fields,
  })
}

const running: RunningServer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()))
})

async function start(settings: NodeConfig): Promise<RunningServer> {
  const server = await serve(settings)
  running.push(server)
  return server
}

const newChannel = (url: string): Promise<string> => createChannel(url, signer, { idleMs: 60_000 })

async function scrape(adminUrl: string, metric: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  return Number(new RegExp(`^${metric.replaceAll(/[{}]/g, '\\$&')} (.*)$`, 'm').exec(text)?.[1])
}

describe('two servers of a neighborhood', () => {
  test('serve what was published at the other, and count it', async () => {
    const [a, b] = [await start(config('a')), await start(config('b'))]
    for (const { serverId, url } of [a, b]) await attestAt(serverId, url)
    const id = await newChannel(a.url)
    await expect.poll(async () => (await fetch(`${b.url}/channel/${id}`)).status, { timeout: 15_000 }).toBe(200)
    const reader = await StreamReader.open(`${b.url}/channel/${id}/stream`)
    await reader.untilCaughtUp()
    const { body } = await publish(a.url, id, { signer, message: 'across' })
    await reader.until(({ messages }) => messages.length === 1)
    const { server, incarnation, n } = body['receipt'] as Record<string, number>
    expect(reader.messages[0]).toMatchObject({ message: 'across', origin: { server, incarnation, n } })
    expect(server).toBe(a.serverId)
    expect(await scrape(a.adminUrl, 'dred_messages_accepted_total')).toBe(1)
    expect(await scrape(a.adminUrl, 'dred_messages_sent_to_peers_total')).toBe(1)
    expect(await scrape(a.adminUrl, 'dred_peers_connected')).toBe(1)
    expect(await scrape(b.adminUrl, 'dred_messages_replicated_total{result="stored"}')).toBeGreaterThanOrEqual(1)
    expect(await scrape(b.adminUrl, 'dred_messages_delivered_total')).toBe(1)
    // The channel and the message.
    expect(await scrape(b.adminUrl, 'dred_relay_bodies_received_total')).toBe(2)
    expect(await scrape(b.adminUrl, 'dred_relay_duplicates_total')).toBe(0)
    expect(await scrape(a.adminUrl, 'dred_relay_sent_bytes_total{kind="entries"}')).toBeGreaterThan(500)
    expect(await scrape(b.adminUrl, 'dred_relay_sent_bytes_total{kind="control"}')).toBeGreaterThan(50)
    expect(await scrape(b.adminUrl, `dred_relay_link_round_trip_seconds{peer="${a.serverId}"}`)).toBeGreaterThan(0)
    expect(await scrape(b.adminUrl, `dred_relay_link_queue_bytes{peer="${a.serverId}"}`)).toBe(0)
    expect(await scrape(b.adminUrl, 'dred_relay_pending_bytes')).toBe(0)
    expect(await scrape(b.adminUrl, 'dred_streams_open')).toBe(1)
  }, 30_000)

  test('tell on a port of their own how they are', async () => {
    const { adminUrl } = await start(config('a'))
    expect((await fetch(`${adminUrl}/livez`)).status).toBe(200)
    const ready = await fetch(`${adminUrl}/readyz`)
    expect(ready.status).toBe(200)
    expect(await ready.json()).toMatchObject({
      ready: true,
      checks: { store: { ok: true }, chain: { ok: true }, registered: { ok: true }, key: { ok: true }, serving: { ok: true } },
    })
    expect((await fetch(`${adminUrl}/channels`)).status).toBe(404)
    expect((await fetch(`${adminUrl}/livez`, { method: 'POST' })).status).toBe(405)
  })

  test('go on where they were, in a new incarnation', async () => {
    const first = await start(config('a'))
    const id = await newChannel(first.url)
    const before = await publish(first.url, id, { signer, message: 1 })
    await first.close()
    const second = await start(config('a'))
    const after = await publish(second.url, id, { signer, message: 2 })
    const receipts = [before, after].map(({ body }) => body['receipt'] as Record<string, number>)
    expect(receipts[1]?.['incarnation']).toBeGreaterThan(receipts[0]?.['incarnation'] ?? Number.NaN)
    expect(receipts[1]?.['n']).toBe(1)
    const reader = await StreamReader.open(`${second.url}/channel/${id}/stream?after=${String(before.body['cursor'])}`)
    await reader.untilCaughtUp()
    expect(reader.messages.map(({ message }) => message)).toEqual([2])
    reader.stop()
  }, 30_000)
})

describe('a server that was just registered', () => {
  test('serves, proves its key at its endpoint, and is listed once it is attested', async () => {
    await register('new', 'http://127.0.0.1:3')
    const { url, serverId, adminUrl } = await start(config('new'))
    const { serverRegistry, chainId } = registries
    await newChannel(url)
    const listed = async () => {
      const { servers } = (await (await fetch(`${url}/.well-known/dred`)).json()) as { servers: { id: number }[] }
      return servers.some(({ id }) => id === serverId)
    }
    expect(await listed()).toBe(false)
    expect(await (await fetch(`${adminUrl}/readyz`)).json()).toMatchObject({ ready: true, checks: { registered: { ok: true } } })

    const nonce = `0x${'ab'.repeat(32)}` as const
    const proof = (await (await fetch(`${url}/.well-known/dred/proof?nonce=${nonce}`)).json()) as Record<string, `0x${string}`>
    const { keyX = '0x', keyY = '0x', r = '0x', s = '0x' } = proof
    const statement = endpointProofStatement({ chainId, serverRegistry }, { server: serverId, endpoint: 'http://127.0.0.1:3', nonce })
    expect(await verifyStatement({ keyX, keyY }, statement, { r, s })).toBe(true)

    await attestServer(chain.wallet(0), registries, { id: serverId, neighborhood: 1, endpoint: 'http://127.0.0.1:3' })
    await expect.poll(listed, { timeout: 10_000 }).toBe(true)
  }, 30_000)
})

describe('a server that cannot start says why', () => {
  test.each([
    ['its key file is missing', () => config('a', { serverKeyFile: join(directory, 'none.pem') }), 'key_file'],
    [
      'the chain does not answer',
      () => config('a', { chain: { ...config('a').chain, rpcUrl: 'http://127.0.0.1:1' } }),
      'chain_unreachable',
    ],
    ['it is another chain', () => config('a', { chain: { ...config('a').chain, chainId: 1 } }), 'config'],
    ['the store cannot be opened', () => config('a', { store: { kind: 'sqlite', path: keyFile('a') } }), 'store_unavailable'],
    ['Redis does not answer', () => config('a', { store: { kind: 'redis', url: 'redis://127.0.0.1:1' } }), 'store_unavailable'],
    ['the address is not its own', () => config('a', { host: '192.0.2.1' }), 'config'],
    ['a TLS file is missing', () => config('a', { tls: { certFile: keyFile('none'), keyFile: keyFile('a') } }), 'config'],
    ['a TLS file is something else', () => config('a', { tls: { certFile: keyFile('a'), keyFile: keyFile('a') } }), 'config'],
  ] as const)(
    'when %s',
    async (_name, settings, code) => {
      await expect(serve(settings())).rejects.toMatchObject({ name: 'StartupError', code, message: expect.stringMatching(/./) })
      // Nothing of the attempt is left to stand in the way of the next.
      await start(config('a'))
    },
    30_000,
  )

  test('when its key is not registered', async () => {
    await createServerKeyFile(keyFile('stranger'))
    await expect(serve(config('stranger'))).rejects.toMatchObject({ code: 'not_registered' })
  })

  test('when its key was replaced, and not before that ends', async () => {
    await register('rotated', 'http://127.0.0.1:4')
    const key = await createServerKeyFile(keyFile('rotated-next'))
    const before = await start(config('rotated'))
    const id = before.serverId
    await rotateKey(chain.wallet(0), registries, { id, key, overlapSeconds: 600 })
    await before.close()
    const during = await start(config('rotated'))
    expect(await (await fetch(`${during.adminUrl}/readyz`)).json()).toMatchObject({
      checks: { key: { detail: expect.stringContaining(key.keyId) } },
    })
    await during.close()

    const last = await createServerKeyFile(keyFile('rotated-last'))
    await rotateKey(chain.wallet(0), registries, { id, key: last, overlapSeconds: 0 })
    const failure = { code: 'key_file', message: expect.stringContaining(`replaced by ${last.keyId}`) }
    await expect(serve(config('rotated-next'))).rejects.toMatchObject(failure)
    expect((await start(config('rotated-last'))).serverId).toBe(id)
  }, 30_000)

  test('when it has left', async () => {
    await register('leaving', 'http://127.0.0.1:5')
    const leaving = await start(config('leaving'))
    await leaving.close()
    await requestExit(chain.wallet(0), registries, leaving.serverId)
    await expect(serve(config('leaving'))).rejects.toMatchObject({ code: 'not_registered', message: expect.stringContaining('exit') })
  }, 30_000)

  test.each(['port', 'admin'] as const)('when its %s is taken', async (which) => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const address = taken.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    const fields = which === 'port' ? { port } : { admin: { host: '127.0.0.1', port } }
    await expect(serve(config('a', fields))).rejects.toMatchObject({ code: 'port_in_use', message: expect.stringContaining(String(port)) })
    await new Promise((resolve) => taken.close(resolve))
  })

  test('when another process serves with its key, as long as that does', async () => {
    const served = await start(config('a'))
    await attestAt(served.serverId, served.url)
    const elsewhere = config('a', { store: { kind: 'sqlite', path: join(directory, 'elsewhere.sqlite') } })
    const failure = { code: 'already_serving', message: expect.stringContaining(served.url) }
    await expect(serve(elsewhere)).rejects.toMatchObject(failure)
    await served.close()
    expect((await start(elsewhere)).serverId).toBe(served.serverId)
  }, 30_000)

  test('when another process has its database', async () => {
    await start(config('a'))
    await expect(serve(config('a'))).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

test('a server that is told where sends traces of what it does', async () => {
  const collector = await startCollector()
  const server = await start(config('a', { tracing: { otlpUrl: collector.url, sampleRatio: 1 } }))
  const channel = await newChannel(server.url)
  expect((await publish(server.url, channel, { signer, message: 'traced' })).status).toBe(201)
  await expect.poll(() => collector.spans.map(({ name }) => name), { timeout: 15_000 }).toContain('chain read')
  await server.close()
  const names = collector.spans.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(['POST /channel/:id', 'verify', 'store append', 'receipt']))
  await collector.close()
})
