import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServerKeyFile, type ServerKey } from '@dred/node'
import { canonicalJson } from '@dred/protocol'
import { endpointProofStatement, signStatement } from '@dred/protocol/statements'
import { keccak256, stringToBytes } from 'viem'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { checks, type Subject } from './checks.ts'
import { examine } from './examine.ts'

const CHAIN_ID = 1
const REGISTRY = `0x${'ab'.repeat(20)}` as const

let folder: string
let key: ServerKey
let otherKey: ServerKey
let tls: { cert: string; key: string }
let server: Server | undefined
let subject: Subject

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dred-examine-'))
  key = await createServerKeyFile(join(folder, 'server.pem'))
  otherKey = await createServerKeyFile(join(folder, 'other.pem'))
  tls = certificate('first')
})
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(async () => {
  await new Promise((done) => (server ? server.close(done) : done(undefined)))
})

function certificate(name: string): { cert: string; key: string } {
  const [keyFile, certFile] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30']
  const subjectName = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  execFileSync('openssl', ['req', ...kind, ...subjectName, '-keyout', keyFile, '-out', certFile], { stdio: 'pipe' })
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
}

type Reply = { status: number; body: unknown; type?: string; headers?: Record<string, string> }
type Route = (request: IncomingMessage, body: string) => Reply | Promise<Reply>

const problem = (status: number, code: string): Reply => ({ status, body: { code, status }, type: 'application/problem+json' })

/** A server that complies, one route after the other. */
function routes(): Record<string, Route> {
  return {
    'GET /.well-known/dred': () => ({ status: 200, body: wellKnown() }),
    'GET /.well-known/dred/proof': ({ url = '' }) => proof(new URL(url, subject.endpoint).searchParams.get('nonce') ?? '', {}),
    'GET /openapi.json': () => ({
      status: 200,
      body: { openapi: '3.1.0', paths: { '/channel/{id}': {}, '/channel/{id}/stream': {}, '/channel/{id}/messages': {} } },
    }),
    'POST /channel': ({ headers }) =>
      headers['content-type'] === 'application/json' ? problem(400, 'malformed_json') : problem(415, 'unsupported_media_type'),
    'PUT /channel': () => problem(401, 'invalid_signature'),
  }
}

function wellKnown() {
  return {
    protocol: { versions: [1] },
    software: { name: 'fake', version: '1' },
    server: { id: 7, keyId: key.keyId, publicKey: { x: key.keyX, y: key.keyY }, incarnation: 1 },
    chain: { id: CHAIN_ID, serverRegistry: REGISTRY },
    neighborhoods: ['3'],
    limits: { messageBytes: 65_536, pageItems: 500 },
    servers: [],
    time: Date.now(),
  }
}

async function proof(nonce: string, faults: { by?: ServerKey; endpoint?: string; signed?: `0x${string}` }): Promise<Reply> {
  const { by = key, endpoint = subject.endpoint } = faults
  const signed = faults.signed ?? (nonce as `0x${string}`)
  const statement = endpointProofStatement({ chainId: CHAIN_ID, serverRegistry: REGISTRY }, { server: 7, endpoint, nonce: signed })
  const { keyX, keyY } = by
  return { status: 200, body: { server: 7, endpoint, keyX, keyY, nonce, ...(await signStatement(by, statement)) } }
}

/** Serves the routes, with some replaced, over TLS. */
async function serve(replaced: Record<string, Route> = {}): Promise<void> {
  const table = { ...routes(), ...replaced }
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = (await request.setEncoding('utf8').toArray()).join('')
    const path = (request.url ?? '').split('?')[0]?.replace(/^\/channel\/.*/, '/channel')
    const route = table[`${request.method} ${path}`] ?? (() => problem(404, 'not_found'))
    const {
      status,
      body: content,
      type = 'application/json',
      headers = { 'access-control-allow-origin': '*' },
    } = await route(request, body)
    response.writeHead(status, { 'content-type': type, ...headers }).end(typeof content === 'string' ? content : JSON.stringify(content))
  }
  server = createServer(tls, (request, response) => void answer(request, response))
  await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('A TCP server has a port')
  const endpoint = `https://localhost:${address.port}`
  subject = {
    chainId: CHAIN_ID,
    serverRegistry: REGISTRY,
    neighborhood: 3,
    server: 7,
    endpoint,
    keyId: key.keyId,
    formerKeyUntil: async () => undefined,
  }
}

const failed = ({ checks: results }: Awaited<ReturnType<typeof examine>>) =>
  results.filter(({ passed, detail }) => !passed && detail !== 'not examined').map(({ name }) => name)

describe('a server that complies', () => {
  test('passes, with the key and the end of its certificate', async () => {
    await serve()
    const result = await examine(subject, tls.cert)
    expect(result.checks.filter(({ passed }) => !passed)).toEqual([])
    expect(result.passed).toBe(true)
    const presented = new X509Certificate(tls.cert)
    const spki = presented.publicKey.export({ type: 'spki', format: 'der' })
    expect(result.spkiHash).toBe(`0x${createHash('sha256').update(spki).digest('hex')}`)
    expect(result.certificateUntil).toBe(Date.parse(presented.validTo) / 1000)
  })

  test('gets the same report from everybody, and its hash is that of its RFC 8785 form', async () => {
    await serve()
    const [first, second] = [await examine(subject, tls.cert), await examine(subject, tls.cert)]
    expect(second.report).toEqual(first.report)
    expect(second.reportHash).toBe(first.reportHash)
    expect(first.reportHash).toBe(keccak256(stringToBytes(canonicalJson(JSON.parse(JSON.stringify(first.report))))))
    expect(JSON.stringify(first.report)).not.toMatch(/:\d{10}/)
  })

  test('may refuse all channels while it is pending', async () => {
    await serve({ 'PUT /channel': () => problem(503, 'not_serving') })
    expect((await examine(subject, tls.cert)).passed).toBe(true)
  })
})

describe('a server whose key was rotated', () => {
  const rotated = (until: number | undefined) => ({
    ...subject,
    keyId: otherKey.keyId,
    formerKeyUntil: async (keyId: string) => (keyId === key.keyId ? until : undefined),
  })

  test('passes with its former key while the registry accepts it, and is told so', async () => {
    await serve()
    const result = await examine(rotated(1_800_000_000), tls.cert)
    expect(failed(result)).toEqual([])
    expect(result.checks.flatMap(({ detail }) => detail ?? [])).toEqual([
      `by its former key ${key.keyId}, accepted until 2027-01-15T08:00:00Z: restart the server with its new key`,
    ])
    expect(result.report.keyId).toBe(key.keyId)
    const again = await examine(rotated(1_800_000_000), tls.cert)
    expect(again.reportHash).toBe(result.reportHash)
  })

  test('fails with it afterwards', async () => {
    await serve()
    const result = await examine(rotated(undefined), tls.cert)
    expect(failed(result)).toEqual(['names its server, key, chain and neighborhood', 'signs a fresh challenge with the server key'])
    expect(result.report.keyId).toBe(otherKey.keyId)
  })

  test('has to sign with the key that it names', async () => {
    await serve({ 'GET /.well-known/dred/proof': (request) => proven({ by: otherKey })(request, '') })
    expect(failed(await examine(rotated(1_800_000_000), tls.cert))).toEqual(['signs a fresh challenge with the server key'])
  })
})

test('a certificate that nobody vouches for fails, and nothing more is examined', async () => {
  await serve()
  const result = await examine(subject)
  expect(result.passed).toBe(false)
  expect(failed(result)).toEqual(['answers, over TLS with a valid certificate'])
  expect(result.checks.filter(({ detail }) => detail === 'not examined')).toHaveLength(checks.length - 2)
  const foreign = await examine(subject, certificate('second').cert)
  expect(foreign.passed).toBe(false)
})

test('a server that does not answer, and one that only its own machine reaches', async () => {
  await serve()
  await new Promise((done) => server?.close(done))
  server = undefined
  expect(failed(await examine(subject, tls.cert))).toEqual(['answers, over TLS with a valid certificate'])
  const loopback = await examine({ ...subject, endpoint: 'http://127.0.0.1:1' })
  expect(failed(loopback)).toEqual(['public endpoint'])
  expect(loopback.report.checks[1]?.name).toBe('answers')
})

const changed =
  (fields: object): Route =>
  () => ({ status: 200, body: { ...wellKnown(), ...fields } })
const proven =
  (faults: Parameters<typeof proof>[1]): Route =>
  ({ url = '' }) =>
    proof(new URL(url, subject.endpoint).searchParams.get('nonce') ?? '', faults)

describe('each fault fails its own check alone', () => {
  test('a proof for another endpoint is named', async () => {
    await serve({ 'GET /.well-known/dred/proof': proven({ endpoint: 'https://elsewhere.example' }) })
    const { checks: results } = await examine(subject, tls.cert)
    expect(results.find(({ passed }) => !passed)?.detail).toBe('its proof is for https://elsewhere.example')
  })

  test.each<[string, string, Route]>([
    ['speaks the protocol', 'GET /.well-known/dred', changed({ protocol: { versions: [2] } })],
    ['speaks the protocol', 'GET /.well-known/dred', () => ({ status: 200, body: '<html>' })],
    ['speaks the protocol', 'GET /.well-known/dred', () => ({ status: 200, body: {} })],
    ['names its server, key, chain and neighborhood', 'GET /.well-known/dred', changed({ neighborhoods: ['4'] })],
    ['names its server, key, chain and neighborhood', 'GET /.well-known/dred', changed({ chain: { id: 2, serverRegistry: REGISTRY } })],
    [
      'names its server, key, chain and neighborhood',
      'GET /.well-known/dred',
      () => ({ status: 200, body: { ...wellKnown(), server: { ...wellKnown().server, id: 8 } } }),
    ],
    ['keeps time', 'GET /.well-known/dred', changed({ time: Date.now() - 400_000 })],
    ['lets pages of any origin in', 'GET /.well-known/dred', () => ({ status: 200, body: wellKnown(), headers: {} })],
    ['signs a fresh challenge with the server key', 'GET /.well-known/dred/proof', () => problem(404, 'not_found')],
    ['signs a fresh challenge with the server key', 'GET /.well-known/dred/proof', () => ({ status: 200, body: { server: 7 } })],
    ['signs a fresh challenge with the server key', 'GET /.well-known/dred/proof', (request) => proven({ by: otherKey })(request, '')],
    ['signs a fresh challenge with the server key', 'GET /.well-known/dred/proof', proven({ endpoint: 'https://elsewhere.example' })],
    ['signs a fresh challenge with the server key', 'GET /.well-known/dred/proof', proven({ signed: `0x${'00'.repeat(32)}` })],
    ['signs a fresh challenge with the server key', 'GET /.well-known/dred/proof', () => proof(`0x${'5a'.repeat(32)}`, {})],
    ['describes its routes', 'GET /openapi.json', () => ({ status: 200, body: { openapi: '3.1.0', paths: {} } })],
    [
      'refuses malformed JSON',
      'POST /channel',
      ({ headers }) =>
        headers['content-type'] === 'application/json' ? { status: 201, body: {} } : problem(415, 'unsupported_media_type'),
    ],
    ['refuses other body types', 'POST /channel', () => problem(400, 'malformed_json')],
    ['answers 404 with a problem document', 'GET /no-such-address', () => ({ status: 404, body: 'Not Found', type: 'text/plain' })],
    ['refuses a forged channel', 'PUT /channel', () => ({ status: 201, body: {} })],
  ])('%s (%s)', async (name, route, fault) => {
    await serve({ [route]: fault })
    const result = await examine(subject, tls.cert)
    expect(failed(result)).toEqual([name])
    expect(result.passed).toBe(false)
    expect(result.checks.find((check) => check.name === name)?.detail).toMatch(/\w{3}/)
  })
})
