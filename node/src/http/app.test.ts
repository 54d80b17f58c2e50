import { connect } from 'node:net'
import { errors, routes, utf8 } from '@dred/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { noLimits } from '../limits/config.ts'
import { registeredServer } from '../testing/registry-view.ts'
import { expectProblem, post, put, TestClient } from '../testing/test-client.ts'
import { createChannel, publish, startTestNode, testSigner } from '../testing/test-node.ts'

const node = await startTestNode()
const signer = await testSigner()
const client = new TestClient(node, signer)
const channel = await createChannel(node.url, signer)
afterAll(() => node.close())

describe('addresses', () => {
  test('what is not there', async () => {
    for (const path of ['/', '/channel', '/nothing', '/problems/nothing', `/channel/${channel}/nothing`])
      await expectProblem(client, { path }, 'not_found')
  })

  test('methods that an address does not take', async () => {
    const { response } = await client.call({ method: 'DELETE', path: `/channel/${channel}` })
    expect(response.headers.get('allow')).toBe('POST, PUT, GET, HEAD')
    for (const [method, path] of [
      ['DELETE', `/channel/${channel}`],
      ['POST', `/channel/${channel}/stream`],
      ['PATCH', '/channels'],
      ['POST', '/.well-known/dred'],
      ['PROPFIND', '/channels/'],
      ['GET', '/peer'],
    ] as const) {
      await expectProblem(client, { method, path }, 'method_not_allowed')
    }
  })

  test('what answers GET answers HEAD, with the same head and no body', async () => {
    for (const path of ['/.well-known/dred', '/channels', `/channel/${channel}`, `/channel/${channel}/messages`, '/openapi.json']) {
      const heads = await Promise.all(['GET', 'HEAD'].map((method) => fetch(node.url + path, { method })))
      const [get, head] = heads.map(({ status, headers }) => [
        status,
        ...['content-type', 'content-length'].map((name) => headers.get(name)),
      ])
      expect(head).toEqual(get)
      expect(await heads[1]?.text()).toBe('')
    }
    const refused = await fetch(`${node.url}/channel/nothing`, { method: 'HEAD' })
    expect([refused.status, refused.headers.get('content-type')]).toEqual([400, 'application/problem+json; charset=utf-8'])
  })

  test('HEAD waits for nothing, and no stream is opened for it', async () => {
    const { json } = await client.call({ path: `/channel/${channel}/messages` })
    const waiting = `/channel/${channel}/messages?after=${String(json['cursor'])}&waitMs=25000`
    const before = performance.now()
    expect(await client.status({ method: 'HEAD', path: waiting })).toBe(200)
    expect(performance.now() - before).toBeLessThan(10_000)
    const { response } = await client.call({ method: 'HEAD', path: `/channel/${channel}/stream` })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET'])
  })

  test('a trailing slash is ignored', async () => {
    for (const path of [`/channel/${channel}/`, `/channel/${channel}/messages/`, '/channels/', '/.well-known/dred/']) {
      expect(await client.status({ path })).toBe(200)
    }
  })

  test('every code is explained where problems point', async () => {
    for (const [code, { status, title }] of Object.entries(errors)) {
      const { response, json } = await client.call({ path: `/problems/${code}` })
      expect(response.status).toBe(200)
      expect(json).toMatchObject({ code, status, title })
    }
  })

  test('OpenAPI describes every route of the protocol', async () => {
    const { json } = await client.call({ path: '/openapi.json' })
    const paths = json['paths'] as Record<string, Record<string, object>>
    for (const [operationId, { method, path, summary }] of Object.entries(routes)) {
      expect(paths[path.replace(':id', '{id}')]?.[method.toLowerCase()]).toMatchObject({ operationId, summary })
    }
    expect(json).toMatchObject({
      security: [{}, { session: [] }, { capability: [] }, { session: [], capability: [] }],
      components: {
        securitySchemes: { session: { type: 'http', scheme: 'bearer' }, capability: { in: 'header', name: 'Dred-Capability' } },
      },
    })
    expect(Object.keys(paths)).not.toContain('/peer')
    const { properties } = routes.publish.body
    expect(paths['/channel/{id}']?.['post']).toMatchObject({
      parameters: [
        { name: 'id', in: 'path', required: true, schema: { pattern: '^[A-Za-z0-9_-]{43}$' } },
        { name: 'stored', in: 'query', required: false },
        { name: 'waitMs', in: 'query', required: false },
      ],
      requestBody: { required: true, content: { 'application/json': { schema: { properties: { key: properties.key } } } } },
      responses: {
        201: { content: { 'application/json': { schema: { required: ['id', 'cursor', 'receipt'] } } } },
        default: { content: { 'application/problem+json': {} } },
      },
    })
    expect(paths['/channel/{id}/stream']?.['get']).toMatchObject({
      parameters: [
        { in: 'path' },
        { name: 'after', in: 'query', required: false },
        { name: 'last' },
        { name: 'from' },
        { name: 'receipts' },
        { name: 'presence' },
      ],
      responses: { 200: { content: { 'application/x-ndjson': {}, 'text/event-stream': {} } } },
    })
  })

  test('the server introduces itself and lists the others', async () => {
    const key = (digit: string) =>
      ({ keyX: `0x${digit.repeat(64)}`, keyY: `0x${digit.repeat(64)}`, keyId: `0x${digit.repeat(40)}` }) as const
    const now = node.registry.time()
    const formerKeys = [
      { ...key('b'), acceptedUntil: now + 60 },
      { ...key('c'), acceptedUntil: now - 60 },
    ]
    node.registry.set([
      node.self,
      registeredServer(2, { ...key('a'), formerKeys }),
      registeredServer(3, { status: 'pending', validUntil: 0 }),
      registeredServer(4, { validUntil: node.registry.time() - 1 }),
      registeredServer(5, { status: 'exiting' }),
    ])
    const { json } = await client.call({ path: '/.well-known/dred' })
    expect(json).toMatchObject({
      protocol: { versions: [1] },
      software: { name: '@dred/node' },
      server: { id: 1, keyId: node.self.keyId, publicKey: { x: node.self.keyX } },
      chain: { id: 31_337 },
      neighborhoods: ['1'],
      servers: [{ id: 1 }, { id: 2, endpoint: registeredServer(2).endpoint, keys: [{ keyX: key('a').keyX }, { keyX: key('b').keyX }] }],
    })
    expect(Math.abs(Number(json['time']) - Date.now())).toBeLessThan(5_000)
    node.registry.set([node.self])
  })

  test('peers have to come over HTTP/2', async () => {
    await expectProblem(client, { method: 'POST', path: '/peer' }, 'malformed_request')
  })

  test('browsers of any origin may call', async () => {
    const response = await fetch(`${node.url}/channel/${channel}`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT', 'access-control-request-headers': 'content-type' },
    })
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('access-control-allow-methods')).toContain('PUT')
    expect(response.headers.get('access-control-allow-headers')).toBe('content-type')
    const { response: got } = await client.call({ path: '/channels', headers: { origin: 'https://app.example' } })
    expect(got.headers.get('access-control-expose-headers')).toContain('x-request-id')
  })
})

describe('a server in trouble', () => {
  test('does not serve when the chain says that it does not belong to its neighborhood', async () => {
    node.registry.set([registeredServer(2)])
    const { id, genesis: body } = await client.genesis()
    const requests = [post(channel, await client.signed(channel)), put(id, body), { path: '/channels' }]
    for (const suffix of ['', '/messages', '/stream']) requests.push({ path: `/channel/${channel}${suffix}` })
    for (const request of requests) await expectProblem(client, request, 'not_serving')
    expect(await client.status({ path: '/.well-known/dred' })).toBe(200)
    node.registry.set([node.self])
    expect(await client.status(post(channel, await client.signed(channel, { message: 'back' })))).toBe(201)
  })

  test('says so, retryably, while its store is out of reach, and loses nothing silently', async () => {
    const own = await startTestNode()
    const id = await createChannel(own.url, signer)
    await own.store.close()
    const { status, body } = await publish(own.url, id, { signer, message: 1 })
    expect({ status, body }).toMatchObject({ status: 503, body: { code: 'store_unavailable', retryable: true } })
    for (const path of [`/channel/${id}`, `/channel/${id}/messages`, '/channels', `/channel/${id}/stream?from=start`]) {
      const response = await fetch(own.url + path)
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('1')
    }
    await own.close()
  })

  test('limits the rate of one address', async () => {
    const own = await startTestNode({ limits: { ...noLimits, address: { burst: 30, perSecond: 0.001 } } })
    for (let i = 0; i < 3; i++) expect((await fetch(`${own.url}/channels`)).status).toBe(200)
    const response = await fetch(`${own.url}/nothing`)
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
    expect(await response.json()).toMatchObject({ code: 'rate_limited', retryable: true })
    expect((await fetch(`${own.url}/peer`, { method: 'POST' })).status).toBe(429)
    await own.close()
  })

  test('carries no more streams than it is set to', async () => {
    const own = await startTestNode({ maxStreams: 1 })
    const id = await createChannel(own.url, signer)
    const stream = await fetch(`${own.url}/channel/${id}/stream`)
    expect(stream.status).toBe(200)
    const second = await fetch(`${own.url}/channel/${id}/stream`)
    expect(await second.json()).toMatchObject({ code: 'too_many_streams', status: 503 })
    await own.close()
  })

  test('answers bytes that are no HTTP request with a problem', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const { hostname, port } = new URL(node.url)
      const socket = connect(Number(port), hostname, () => socket.write(utf8('this is not HTTP\r\n\r\n')))
      let text = ''
      socket.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)))
      socket.on('end', () => resolve(text)).on('error', reject)
    })
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('"code":"malformed_request"')
  })
})
