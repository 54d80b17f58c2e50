import { expect, test } from 'vitest'
import { createApp } from './app.ts'
import { openApiDocument } from './openapi.ts'
import { ApiProblem } from './problems.ts'
import type { Snapshot } from './snapshot.ts'
import type { DiscoveryStore } from './store.ts'

const block = { number: 7, hash: '0x07', timestamp: 1_000 } as const
const empty = { rows: [], block, startHash: '0x01', at: 1_000, lastExpiry: null } as const

const none = async () => ({ ...empty, rows: [], known: true })

const emptyStore: DiscoveryStore = {
  standing: none,
  neighborhood: none,
  neighborhoods: none,
  neighborhoodChanges: none,
  server: none,
  servers: none,
  serverChanges: none,
  keys: none,
  attestations: none,
}

function setup(changes: Partial<Parameters<typeof createApp>[0]> = {}) {
  const reported: Error[] = []
  const app = createApp({
    store: emptyStore,
    guard: { verify: async () => undefined },
    chainTip: async () => 7,
    chainId: 1,
    cacheable: true,
    graphql: async (context) => context.text('graphql'),
    report: (error) => reported.push(error),
    ...changes,
  })
  return { app, reported }
}

test('the OpenAPI document describes exactly the routes there are', () => {
  const served = setup()
    .app.routes.filter(({ path }) => /^\/(v1|problems)\//.test(path) || path === '/graphql')
    .map(({ path }) => path.replace(/:(\w+)/g, '{$1}'))
  expect(Object.keys(openApiDocument.paths).sort()).toEqual(served.sort())
})

test('answers of a public chain may be cached for a moment', async () => {
  const { headers } = await setup().app.request('/v1/neighborhoods')
  expect(headers.get('cache-control')).toBe('max-age=15, stale-while-revalidate=60')
})

test('no data leaves without a check of its block', async () => {
  const verify = async (data: object) => {
    expect(data).toMatchObject({ block, startHash: '0x01' })
    throw new ApiProblem('stale_chain')
  }
  const { app } = setup({ guard: { verify } })
  const paths = [
    '/v1/ready',
    '/v1/neighborhoods',
    '/v1/neighborhoods/1',
    '/v1/neighborhoods/1/servers',
    '/v1/neighborhoods/1/history',
    '/v1/servers/1',
    '/v1/servers/1/history',
    '/v1/servers/1/keys',
    '/v1/servers/1/attestations',
  ]
  for (const path of paths) {
    const response = await app.request(path, { headers: { 'if-none-match': `"${block.hash}"` } })
    expect([path, response.status, await response.json()]).toMatchObject([path, 503, { code: 'stale_chain', retryable: true }])
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('retry-after')).toBe('1')
  }
  expect((await app.request('/graphql', { method: 'POST' })).status).toBe(503)
  expect(await (await app.request('/graphql')).text()).toBe('graphql')
})

test('is not ready while far behind the chain, or when the chain does not answer', async () => {
  const far = await setup({ chainTip: async () => 58 }).app.request('/v1/ready')
  expect([far.status, await far.json()]).toMatchObject([503, { code: 'indexer_starting', detail: '51 blocks behind the chain' }])
  const refused = async () => {
    throw new Error('connection refused')
  }
  const dead = await setup({ chainTip: refused }).app.request('/v1/ready')
  expect([dead.status, await dead.json()]).toMatchObject([503, { code: 'chain_unreachable' }])
})

test('an unexpected error is reported to us and not to the caller', async () => {
  const failing = async () => {
    throw new Error('relation "neighborhood" does not exist')
  }
  const { app, reported } = setup({ store: { ...emptyStore, neighborhoods: failing } })
  const response = await app.request('/v1/neighborhoods')
  const text = await response.text()
  expect(response.status).toBe(500)
  expect(JSON.parse(text)).toMatchObject({ code: 'internal', retryable: true })
  expect(text).not.toContain('relation')
  expect(reported.map(({ message }) => message)).toEqual(['relation "neighborhood" does not exist'])
})

test('the tag changes with the block and with a lapse, and with nothing else', async () => {
  const tagOf = async (changes: Partial<Snapshot<never>>, headers = {}) => {
    const store = { ...emptyStore, servers: async () => ({ ...(await none()), ...changes }) }
    const response = await setup({ store }).app.request('/v1/neighborhoods/1/servers', { headers })
    return { tag: response.headers.get('etag') ?? '', status: response.status }
  }
  const [first, later] = [await tagOf({}), await tagOf({ at: 2_000 })]
  expect(later).toEqual(first)
  const others = [await tagOf({ lastExpiry: 999 }), await tagOf({ lastExpiry: 998 }), await tagOf({ block: { ...block, hash: '0x08' } })]
  expect(new Set([first, ...others].map(({ tag }) => tag)).size).toBe(4)
  expect((await tagOf({ at: 2_000 }, { 'if-none-match': first.tag })).status).toBe(304)
  expect((await tagOf({ lastExpiry: 999 }, { 'if-none-match': first.tag })).status).toBe(200)
})

test('the address that a problem names explains it', async () => {
  const { app } = setup()
  const response = await app.request('/v1/neighborhoods?cursor=nonsense')
  const problem = (await response.json()) as { type: string; title: string }
  expect(problem).not.toHaveProperty('detail')
  const { type, title } = problem
  expect(await (await app.request(type)).json()).toMatchObject({ code: 'malformed_cursor', title, status: 400, retryable: false })
  expect((await app.request('/problems/nonsense')).status).toBe(404)
})

test('a trailing slash is ignored', async () => {
  const { app } = setup()
  for (const path of ['/v1/neighborhoods/', '/v1/neighborhoods/1/servers/']) expect((await app.request(path)).status).toBe(200)
})
