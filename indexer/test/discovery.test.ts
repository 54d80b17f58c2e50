import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Deployment, neighborhoodRegistryAbi, serverRegistryAbi } from '@dred/contracts'
import { type Address, keccak256, stringToBytes } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningIndexer, startIndexer } from '../supervisor/index.ts'
import { type Chain, createNeighborhood, deploy, registerServer, STAKE, startChain } from '../../test/fixtures/chain.ts'

const UNKNOWN = '4294967295'

let chain: Chain
let deployment: Deployment & { stakeToken: Address }
let indexer: RunningIndexer
let dataDir: string

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'dred-indexer-'))
  chain = await startChain()
  deployment = await deploy(chain)
  const owner = chain.wallet(0)
  for (const name of ['Poker night', 'chess_club', 'Poker day', 'a 100% literal name']) await createNeighborhood(owner, deployment, name)
  indexer = await startIndexer({ rpcUrl: chain.rpcUrl, chainId: deployment.chainId, deployment, dataDir, port: 0 })
}, 90_000)

afterAll(async () => {
  await indexer?.stop()
  await chain?.close()
  await rm(dataDir, { recursive: true, force: true })
}, 30_000)

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${indexer.url}${path}`, { headers })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}

/** Waits until the API has indexed the chain's newest block. */
async function caughtUp(): Promise<void> {
  const tip = Number(await chain.clock.getBlockNumber({ cacheTime: 0 }))
  await expect.poll(async () => (await get('/v1/ready')).body.block?.number, { timeout: 10_000 }).toBeGreaterThanOrEqual(tip)
}

test('is ready at the tip of the chain', async () => {
  const { number, hash } = await chain.clock.getBlock()
  const { status, body, headers } = await get('/v1/ready')
  expect(status).toBe(200)
  expect(body).toEqual({ ready: true, chainId: 31_337, chainTip: Number(number), block: { number: Number(number), hash } })
  expect(headers.get('cache-control')).toBe('no-store')
})

test('describes a neighborhood as the chain has it', async () => {
  const owner = chain.wallet(0).account.address
  const { status, body } = await get('/v1/neighborhoods/1')
  expect(status).toBe(200)
  expect(body.neighborhood).toEqual({
    id: '1',
    owner,
    name: 'Poker night',
    uri: 'https://poker.example/',
    contentHash: keccak256(stringToBytes('Poker night')),
    createdAtBlock: deployment.startBlock + 3,
    parameters: {
      stakeToken: expect.toSatisfy((token: string) => token.toLowerCase() === deployment.stakeToken.toLowerCase()),
      minStake: String(STAKE),
      unbondingSeconds: 86_400,
      maxServers: 8,
      redundancy: 2,
      maxChannelLifetimeSeconds: 604_800,
      maxChannelIdleSeconds: 86_400,
      maxMessageBytes: 65_536,
    },
    activeServers: 0,
    healthy: false,
  })
})

test('pages through the neighborhoods', async () => {
  const first = await get('/v1/neighborhoods?limit=3')
  expect(first.body.items.map(({ id }: { id: string }) => id)).toEqual(['1', '2', '3'])
  const second = await get(`/v1/neighborhoods?limit=3&cursor=${first.body.next}`)
  expect(second.body.items.map(({ id }: { id: string }) => id)).toEqual(['4'])
  expect(second.body.next).toBeNull()
  const exact = await get('/v1/neighborhoods?limit=4')
  expect(exact.body.next).toBeNull()
})

test('finds neighborhoods by a part of the name, taken literally', async () => {
  const names = async (q: string) => {
    const { body } = await get(`/v1/neighborhoods?q=${encodeURIComponent(q)}`)
    return body.items.map(({ name }: { name: string }) => name)
  }
  expect(await names('poker')).toEqual(['Poker night', 'Poker day'])
  expect(await names('s_c')).toEqual(['chess_club'])
  expect(await names('0%')).toEqual(['a 100% literal name'])
  expect(await names('%')).toEqual(['a 100% literal name'])
  expect(await names('nobody')).toEqual([])
})

test('follows metadata and ownership', async () => {
  const [owner, heir] = [chain.wallet(0), chain.wallet(3)]
  const registry = { address: deployment.neighborhoodRegistry, abi: neighborhoodRegistryAbi } as const
  const contentHash = keccak256(stringToBytes('new'))
  await owner.writeContract({ ...registry, functionName: 'updateMetadata', args: [2, 'Chess', 'https://chess.example/', contentHash] })
  await owner.writeContract({ ...registry, functionName: 'transferOwnership', args: [2, heir.account.address] })
  await caughtUp()
  expect((await get('/v1/neighborhoods/2')).body.neighborhood).toMatchObject({ name: 'Chess', owner: owner.account.address })
  await heir.writeContract({ ...registry, functionName: 'acceptOwnership', args: [2] })
  await caughtUp()
  expect((await get('/v1/neighborhoods/2')).body.neighborhood).toMatchObject({
    uri: 'https://chess.example/',
    contentHash,
    owner: heir.account.address,
  })
})

test('follows servers from registration to withdrawal', async () => {
  const [first, second] = [chain.wallet(1), chain.wallet(2)]
  const registry = { address: deployment.serverRegistry, abi: serverRegistryAbi } as const
  const endpoints = ['http://127.0.0.1:9001', 'http://127.0.0.1:9002'] as const
  const registered = await registerServer(first, deployment, { neighborhood: 1, endpoint: endpoints[0] })
  await registerServer(second, deployment, { neighborhood: 1, endpoint: endpoints[1] })
  await caughtUp()

  expect((await get('/v1/neighborhoods/1')).body.neighborhood).toMatchObject({ activeServers: 2, healthy: true })
  const { blockNumber } = await first.getTransactionReceipt({ hash: registered.hash })
  const server = {
    id: 1,
    neighborhood: '1',
    operator: first.account.address,
    payout: first.account.address,
    keyId: registered.keyId,
    keyX: registered.keyX,
    keyY: registered.keyY,
    endpoint: endpoints[0],
    did: 'did:web:operator.example',
    stake: String(STAKE),
    status: 'active',
    unlockAt: null,
    registeredAtBlock: Number(blockNumber),
  }
  expect((await get('/v1/servers/1')).body.server).toEqual(server)
  const listed = await get('/v1/neighborhoods/1/servers')
  expect(listed.body.items).toHaveLength(2)
  expect(listed.body.items[0]).toEqual(server)
  expect((await get('/v1/neighborhoods/2/servers')).body.items).toEqual([])

  await first.writeContract({ ...registry, functionName: 'setEndpoint', args: [1, 'http://127.0.0.1:9003'] })
  await first.writeContract({ ...registry, functionName: 'requestExit', args: [1] })
  const unlockAt = Number((await first.getBlock()).timestamp) + 86_400
  await caughtUp()
  expect((await get('/v1/servers/1')).body.server).toEqual({ ...server, endpoint: 'http://127.0.0.1:9003', status: 'exiting', unlockAt })
  const ids = async (query: string) => (await get(`/v1/neighborhoods/1/servers${query}`)).body.items.map(({ id }: { id: number }) => id)
  expect([await ids(''), await ids('?status=active'), await ids('?status=exiting')]).toEqual([[2], [2], [1]])
  expect((await get('/v1/neighborhoods/1')).body.neighborhood).toMatchObject({ activeServers: 1, healthy: false })

  await chain.clock.increaseTime({ seconds: 86_400 })
  await chain.clock.mine({ blocks: 1 })
  await first.writeContract({ ...registry, functionName: 'withdraw', args: [1] })
  await caughtUp()
  expect((await get('/v1/servers/1')).body.server).toMatchObject({ status: 'withdrawn', stake: '0', unlockAt })
  expect([await ids('?status=exiting'), await ids('?status=withdrawn'), await ids('?status=all')]).toEqual([[], [1], [1, 2]])

  const page = await get('/v1/servers/1/history?limit=3')
  const rest = await get(`/v1/servers/1/history?cursor=${page.body.next}`)
  const history = [...page.body.items, ...rest.body.items]
  expect(history.map(({ kind }) => kind)).toEqual(['registered', 'endpoint_changed', 'exit_requested', 'withdrawn'])
  expect(history[0]).toMatchObject({
    block: Number(blockNumber),
    transaction: registered.hash,
    stake: String(STAKE),
    endpoint: endpoints[0],
  })
  expect(history[3]).toMatchObject({ stake: '0', endpoint: 'http://127.0.0.1:9003' })
  expect(rest.body.next).toBeNull()
})

test('an answer that has not changed costs 304', async () => {
  const { headers, body } = await get('/v1/neighborhoods')
  const etag = headers.get('etag') ?? ''
  expect(etag).toBe(`"${body.block.hash}"`)
  expect(headers.get('cache-control')).toBe('no-cache')
  for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await get('/v1/neighborhoods', { 'if-none-match': condition })
    expect([again.status, again.body, again.headers.get('etag')]).toEqual([304, undefined, etag])
  }
  expect((await get('/v1/neighborhoods', { 'if-none-match': '"other"' })).status).toBe(200)
  await chain.clock.mine({ blocks: 1 })
  await caughtUp()
  const changed = await get('/v1/neighborhoods', { 'if-none-match': etag })
  expect(changed.status).toBe(200)
  expect(changed.headers.get('etag')).not.toBe(etag)
})

test('refuses bad input with a problem document', async () => {
  const { body: page } = await get('/v1/neighborhoods?limit=1')
  const cases: [path: string, status: number, code: string][] = [
    ['/v1/neighborhoods/0', 400, 'malformed_request'],
    ['/v1/neighborhoods/01', 400, 'malformed_request'],
    ['/v1/neighborhoods/-1', 400, 'malformed_request'],
    ['/v1/neighborhoods/4294967296', 400, 'malformed_request'],
    ['/v1/servers/0x1', 400, 'malformed_request'],
    ['/v1/servers/1%27', 400, 'malformed_request'],
    ['/v1/neighborhoods?limit=0', 400, 'malformed_request'],
    ['/v1/neighborhoods?limit=101', 400, 'malformed_request'],
    ['/v1/neighborhoods?limit=1e1', 400, 'malformed_request'],
    [`/v1/neighborhoods?q=${'a'.repeat(65)}`, 400, 'malformed_request'],
    ['/v1/neighborhoods?q=%00', 400, 'malformed_request'],
    ['/v1/neighborhoods/1/servers?status=dead', 400, 'malformed_request'],
    ['/v1/neighborhoods?cursor=', 400, 'malformed_cursor'],
    ['/v1/neighborhoods?cursor=!!', 400, 'malformed_cursor'],
    [`/v1/neighborhoods/1/servers?cursor=${page.next}`, 400, 'malformed_cursor'],
    [`/v1/neighborhoods/${UNKNOWN}`, 404, 'not_found'],
    [`/v1/neighborhoods/${UNKNOWN}/servers`, 404, 'not_found'],
    [`/v1/servers/${UNKNOWN}`, 404, 'not_found'],
    [`/v1/servers/${UNKNOWN}/history`, 404, 'not_found'],
    ['/v1/nothing', 404, 'not_found'],
    ['/nothing', 404, 'not_found'],
  ]
  for (const [path, status, code] of cases) {
    const response = await get(path)
    expect([path, response.status, response.body.code]).toEqual([path, status, code])
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.body).toMatchObject({ type: `/problems/${code}`, status, retryable: false, title: expect.any(String) })
  }
  const posted = await fetch(`${indexer.url}/v1/neighborhoods`, { method: 'POST', body: '{}' })
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
})

test('is open to every web page', async () => {
  const { headers } = await get('/v1/neighborhoods', { origin: 'https://dapp.example' })
  expect(headers.get('access-control-allow-origin')).toBe('*')
  expect(headers.get('access-control-expose-headers')).toBe('ETag')
  const preflight = await fetch(`${indexer.url}/v1/neighborhoods`, {
    method: 'OPTIONS',
    headers: { origin: 'https://dapp.example', 'access-control-request-method': 'GET', 'access-control-request-headers': 'if-none-match' },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-headers')).toContain('if-none-match')
})

test('answers GraphQL', async () => {
  const query = '{ neighborhoods(where: { name_contains: "Poker" }, orderBy: "id") { items { id name } } server(id: 2) { endpoint stake } }'
  const response = await fetch(`${indexer.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })
  expect(await response.json()).toEqual({
    data: {
      neighborhoods: {
        items: [
          { id: 1, name: 'Poker night' },
          { id: 3, name: 'Poker day' },
        ],
      },
      server: { endpoint: 'http://127.0.0.1:9002', stake: String(STAKE) },
    },
  })
})

test('every answer is of exactly the block that it names', async () => {
  const owner = chain.wallet(0)
  const before = (await get('/v1/neighborhoods')).body
  const [rounds, perRound] = [5, 4]
  const answers: { items: number; block: number }[] = []
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < perRound; i++) await createNeighborhood(owner, deployment, `neighborhood ${round}.${i}`)
    const tip = Number(await chain.clock.getBlockNumber({ cacheTime: 0 }))
    let reached = 0
    // As fast as it answers, so that many requests arrive while a block is half written.
    while (reached < tip) {
      const { status, body } = await get('/v1/neighborhoods?limit=100')
      if (status === 200) {
        reached = body.block.number
        answers.push({ items: body.items.length, block: reached })
      }
    }
  }
  // One neighborhood in every block.
  const expected = answers.map(({ block }) => ({ items: before.items.length + block - before.block.number, block }))
  expect(answers).toEqual(expected)
  expect(answers.at(-1)?.items).toBe(before.items.length + rounds * perRound)
})
