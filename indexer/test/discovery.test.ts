import { neighborhoodRegistryAbi } from '@dred/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attestServer, createNeighborhood, newKey, parametersOf, registerServer, rotateKey, STAKE } from '../../test/fixtures/chain.ts'
import { expectNeighborhoodOfChain, expectServerOfChain } from './chain-views.ts'
import { type Answer, type IndexedChain, startIndexedChain } from './fixture.ts'

const UNKNOWN = '4294967295'

let indexed: IndexedChain

beforeAll(async () => {
  indexed = await startIndexedChain(async (chain, registries) => {
    const owner = chain.wallet(0)
    for (const name of ['Poker night', 'chess_club', 'Poker day', 'a 100% literal name']) await createNeighborhood(owner, registries, name)
    await registerServer(chain.wallet(1), registries, { neighborhood: 1, endpoint: 'http://127.0.0.1:9001' })
  })
}, 90_000)

afterAll(() => indexed?.close(), 30_000)

const get = (path: string, headers?: Record<string, string>): Promise<Answer> => indexed.get(path, headers)

test('is ready at the tip of the chain', async () => {
  const { number, hash, timestamp } = await indexed.chain.clock.getBlock()
  const { status, body, headers } = await get('/v1/ready')
  expect(status).toBe(200)
  const block = { number: Number(number), hash, timestamp: Number(timestamp) }
  expect(body).toEqual({ ready: true, chainId: 31_337, chainTip: Number(number), block })
  expect(headers.get('cache-control')).toBe('no-store')
})

test('a lapse is told without a new block, and not hidden behind a tag', async () => {
  const { chain, registries } = indexed
  const endpoint = 'http://127.0.0.1:9001'
  // What was the newest block may be older than the attestation is to hold.
  await chain.clock.mine({ blocks: 1 })
  await attestServer(chain.wallet(0), registries, { id: 1, neighborhood: 1, endpoint, seconds: 10 })
  await indexed.caughtUp()
  const path = '/v1/neighborhoods/1/servers'
  const before = await get(path)
  expect(before.body.items).toMatchObject([{ id: 1, endpoint, status: 'active' }])
  const etag = before.headers.get('etag') ?? ''
  const paths = [path, '/v1/neighborhoods/1', '/v1/servers/1'] as const
  // Of the page with the server as of what only counts it: one tag stands for all answers.
  // The chain's time is ahead of the clock by a second for every block that came faster than that.
  await expect.poll(async () => (await get(path, { 'if-none-match': etag })).status, { interval: 200, timeout: 60_000 }).toBe(200)
  const after = await Promise.all(paths.map((each) => get(each, { 'if-none-match': etag })))
  expect(after.map(({ status, body }) => ({ status, block: body.block }))).toEqual(
    paths.map(() => ({ status: 200, block: before.body.block })),
  )
  const [list, neighborhood, server] = after.map(({ body }) => body)
  expect([list.items, neighborhood.neighborhood.activeServers, server.server.status]).toEqual([[], 0, 'lapsed'])
  const changed = after[0]?.headers.get('etag') ?? ''
  expect((await get(path, { 'if-none-match': changed })).status).toBe(304)
  expect(server.server.validUntil * 1_000).toBeLessThan(Date.now())
}, 90_000)

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

test('an answer that has not changed costs 304', async () => {
  const { headers, body } = await get('/v1/neighborhoods')
  const etag = headers.get('etag') ?? ''
  expect(etag).toContain(body.block.hash)
  expect(headers.get('cache-control')).toBe('no-cache')
  for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await get('/v1/neighborhoods', { 'if-none-match': condition })
    expect([again.status, again.body, again.headers.get('etag')]).toEqual([304, undefined, etag])
  }
  expect((await get('/v1/neighborhoods', { 'if-none-match': '"other"' })).status).toBe(200)
  await indexed.chain.clock.mine({ blocks: 1 })
  await indexed.caughtUp()
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
    [`/v1/servers/${UNKNOWN}/keys`, 404, 'not_found'],
    [`/v1/servers/${UNKNOWN}/attestations`, 404, 'not_found'],
    [`/v1/neighborhoods/${UNKNOWN}/history`, 404, 'not_found'],
    ['/v1/nothing', 404, 'not_found'],
    ['/nothing', 404, 'not_found'],
  ]
  for (const [path, status, code] of cases) {
    const response = await get(path)
    expect([path, response.status, response.body.code]).toEqual([path, status, code])
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.body).toMatchObject({ type: `/problems/${code}`, status, retryable: false, title: expect.any(String) })
  }
  const posted = await fetch(`${indexed.url}/v1/neighborhoods`, { method: 'POST', body: '{}' })
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
})

test('is open to every web page', async () => {
  const { headers } = await get('/v1/neighborhoods', { origin: 'https://dapp.example' })
  expect(headers.get('access-control-allow-origin')).toBe('*')
  expect(headers.get('access-control-expose-headers')).toBe('ETag')
  const preflight = await fetch(`${indexed.url}/v1/neighborhoods`, {
    method: 'OPTIONS',
    headers: { origin: 'https://dapp.example', 'access-control-request-method': 'GET', 'access-control-request-headers': 'if-none-match' },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-headers')).toContain('if-none-match')
})

test('answers GraphQL', async () => {
  const query = '{ neighborhoods(where: { name_contains: "Poker" }, orderBy: "id") { items { id name } } server(id: 1) { endpoint stake } }'
  expect(await indexed.query(query)).toEqual({
    neighborhoods: {
      items: [
        { id: 1, name: 'Poker night' },
        { id: 3, name: 'Poker day' },
      ],
    },
    server: { endpoint: 'http://127.0.0.1:9001', stake: String(STAKE) },
  })
})

test('every answer is of exactly the block that it names', async () => {
  const { chain, registries } = indexed
  const owner = chain.wallet(0)
  const before = (await get('/v1/neighborhoods')).body
  const [rounds, perRound] = [5, 4]
  const answers: { items: number; block: number }[] = []
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < perRound; i++) await createNeighborhood(owner, registries, `neighborhood ${round}.${i}`)
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

test('what a reorganization undoes is undone', async () => {
  const { chain, registries } = indexed
  const [owner, operator] = [chain.wallet(0), chain.wallet(1)]
  const next = (await get('/v1/neighborhoods?limit=100')).body.items.length + 1
  const history = await indexed.all('/v1/servers/1/history')
  await indexed.caughtUp()
  const id = await chain.clock.snapshot()
  await createNeighborhood(owner, registries, 'undone')
  await owner.writeContract({
    address: registries.neighborhoodRegistry,
    abi: neighborhoodRegistryAbi,
    functionName: 'stageParameters',
    args: [1, { ...parametersOf(registries), slashPercent: 99 }],
  })
  await rotateKey(operator, registries, { id: 1, key: await newKey() })
  await registerServer(operator, registries, { neighborhood: 1, endpoint: 'http://127.0.0.1:9002' })
  await attestServer(owner, registries, { id: 2, neighborhood: 1, endpoint: 'http://127.0.0.1:9002' })
  await indexed.caughtUp()
  const undone = await get('/v1/neighborhoods/1')
  expect(undone.body.neighborhood).toMatchObject({ staged: { parameters: { slashPercent: 99 } }, seatsTaken: 2, activeServers: 1 })

  await chain.clock.revert({ id })
  await createNeighborhood(owner, registries, 'instead')
  // One by one: of many at once the chain makes up blocks whose parents it does not have.
  for (let height = 0; height < 10; height++) await chain.clock.mine({ blocks: 1 })
  await indexed.caughtUp()
  const [neighborhood, server, other] = [
    await get('/v1/neighborhoods/1'),
    await get('/v1/servers/1'),
    await get(`/v1/neighborhoods/${next}`),
  ]
  expect(neighborhood.body.neighborhood).toMatchObject({ staged: null, seatsTaken: 1 })
  await expectNeighborhoodOfChain(indexed, neighborhood.body.neighborhood)
  await expectServerOfChain(indexed, server.body.server)
  expect([other.body.neighborhood.name, (await get('/v1/servers/2')).status]).toEqual(['instead', 404])
  expect(await indexed.all('/v1/servers/1/keys')).toHaveLength(1)
  expect(await indexed.all('/v1/servers/1/history')).toEqual(history)
})
