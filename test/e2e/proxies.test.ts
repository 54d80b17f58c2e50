import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Signer, signGenesis, signMessage } from '@dred/protocol'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { noLimits } from '../../node/src/limits/config.ts'
import { makeCertificate, TestCertificates } from '../../node/src/testing/certificates.ts'
import { freePort } from '../../node/src/testing/free-port.ts'
import { startTestNode, type TestNode, testSigner } from '../../node/src/testing/test-node.ts'
import { provisionCaddy, provisionChromium, provisionNginx } from '../../scripts/provision.mjs'
import { type Process, root, start } from './processes.ts'

const BURST = 40

let folder: string
let files: { cert: Buffer; key: Buffer }
let node: TestNode
let signer: Signer
/** Where the proxies listen. */
const ports = { caddy: 0, nginx: 0 }
let proxies: Process[] = []

/** A file of packaging/ with what differs here; each of these has to be in it. */
async function adapted(name: string, changes: readonly (readonly [string, string])[]): Promise<string> {
  let text = await readFile(join(root, 'packaging', name), 'utf8')
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`${name} does not say ${from}`)
    text = text.replaceAll(from, to)
  }
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

beforeAll(async () => {
  const [caddy, nginx] = [provisionCaddy(), provisionNginx()]
  folder = await mkdtemp(join(tmpdir(), 'dred-proxies-'))
  files = await makeCertificate({ days: 5 })
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await Promise.all([writeFile(cert, files.cert), writeFile(key, files.key, { mode: 0o600 })])
  for (const name of ['caddy', 'nginx'] as const) ports[name] = await freePort()
  node = await startTestNode({
    tls: new TestCertificates(files),
    trustProxy: ['127.0.0.1/32'],
    altSvc: `h3=":${ports.caddy}"`,
    limits: { ...noLimits, address: { burst: 100_000, perSecond: 100_000 }, creations: { burst: BURST, perSecond: 1 } },
  })
  const upstream = new URL(node.url).host
  const caddyfile = await adapted('Caddyfile', [
    // Caddy gets a certificate by itself where it is on the internet, and ends only after connections that browsers left open.
    ['{\n\tservers {', '{\n\tadmin off\n\tauto_https off\n\tgrace_period 100ms\n\tservers {'],
    ['relay.example.org {', `https://localhost:${ports.caddy} {\n\ttls ${cert} ${key}`],
    ['https://127.0.0.1:8443', `https://${upstream}`],
    ['tls_server_name relay.example.org', `tls_server_name localhost\n\t\t\ttls_trusted_ca_certs ${cert}`],
  ])
  const nginxConf = await adapted('nginx.conf', [
    ['worker_processes auto;', `user root;\nworker_processes 1;\npid ${join(folder, 'nginx.pid')};`],
    [
      'http {\n',
      `http {\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((part) => `${part}_temp_path ${folder}/${part};`).join('\n')}\n`,
    ],
    ['worker_connections 65536', 'worker_connections 512'],
    ['server 127.0.0.1:8443', `server ${upstream}`],
    ['listen 443 ssl', `listen 127.0.0.1:${ports.nginx} ssl`],
    ['relay.example.org', 'localhost'],
    ['/etc/dred/tls/fullchain.pem', cert],
    ['/etc/dred/tls/privkey.pem', key],
    ['/etc/ssl/certs/ca-certificates.crt', cert],
  ])
  const home = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  proxies = [
    start(caddy, ['run', '--adapter', 'caddyfile', '--config', caddyfile], { cwd: folder, env: home }),
    start(nginx, ['-c', nginxConf, '-e', 'stderr', '-g', 'daemon off;'], { cwd: folder }),
  ]
  for (const name of ['caddy', 'nginx'] as const) {
    await vi.waitFor(() => ask(ports[name], 'GET /channels'), { timeout: 30_000, interval: 50 })
  }
  signer = await testSigner()
}, 300_000)

afterAll(async () => {
  for (const { child } of proxies) child.kill('SIGTERM')
  await Promise.all(proxies.map(({ exited }) => exited))
  await node.close()
  await rm(folder, { recursive: true, force: true })
})

interface Asked {
  body?: unknown
  headers?: Record<string, string>
  onLine?: (line: string) => void
}

/** @param what method and path */
function ask(port: number, what: string, { body, headers = {}, onLine }: Asked = {}) {
  const [method, path] = what.split(' ')
  return new Promise<{ status: number; text: string; headers: Record<string, unknown>; stop: () => void }>((resolve, reject) => {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
    const options = { host: '127.0.0.1', port, path, method, ca: files.cert, servername: 'localhost', agent: false as const }
    const sent = request({ ...options, headers: { host: `localhost:${port}`, ...type, ...headers } }, (response) => {
      let text = ''
      const answer = () => ({ status: response.statusCode ?? 0, text, headers: response.headers, stop: () => sent.destroy() })
      response.setEncoding('utf8').on('error', () => undefined)
      response.on('data', (chunk: string) => {
        text += chunk
        if (onLine) for (const line of chunk.split('\n')) if (line !== '') onLine(line)
      })
      if (onLine) resolve(answer())
      else response.on('end', () => resolve(answer()))
    })
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

async function newChannel(port: number): Promise<string> {
  const { id, genesis } = await signGenesis(signer, {
    neighborhood: '1',
    createdAt: Date.now(),
    salt: crypto.getRandomValues(new Uint8Array(16)),
  })
  const { status, text } = await ask(port, `PUT /channel/${id}`, { body: genesis })
  expect([status, text]).toEqual([201, expect.any(String)])
  return id
}

async function post(port: number, channel: string, message: unknown): Promise<number> {
  const { signed } = await signMessage(signer, channel, { message, sentAt: Date.now() })
  return (await ask(port, `POST /channel/${channel}`, { body: signed })).status
}

describe.each(['caddy', 'nginx'] as const)('by %s', (name) => {
  test.each(['application/x-ndjson', 'text/event-stream'])('each event of a stream comes at once: %s', async (accept) => {
    const port = ports[name]
    const channel = await newChannel(port)
    const lines: string[] = []
    const stream = await ask(port, `GET /channel/${channel}/stream`, { headers: { accept }, onLine: (line) => lines.push(line) })
    expect([stream.status, stream.headers['content-type']]).toEqual([200, expect.stringContaining(accept)])
    for (let n = 0; n < 5; n++) {
      // Nothing that comes later may be what pushes it through.
      expect(await post(port, channel, `event ${n}`)).toBe(201)
      await expect.poll(() => lines.join('\n'), { timeout: 2_000 }).toContain(`event ${n}`)
    }
    stream.stop()
  })

  test('a request that waits is answered when something comes', async () => {
    const port = ports[name]
    const channel = await newChannel(port)
    expect(await post(port, channel, 'first')).toBe(201)
    const history = JSON.parse((await ask(port, `GET /channel/${channel}/messages`)).text) as { cursor: string }
    const startedAt = performance.now()
    const waiting = ask(port, `GET /channel/${channel}/messages?after=${encodeURIComponent(history.cursor)}&waitMs=20000`)
    expect(await post(port, channel, 'second')).toBe(201)
    expect((await waiting).text).toContain('second')
    expect(performance.now() - startedAt).toBeLessThan(15_000)
  })

  test('a body as large as a message may be goes through, a larger one is refused by the server itself', async () => {
    const port = ports[name]
    const channel = await newChannel(port)
    expect(await post(port, channel, 'x'.repeat(60_000))).toBe(201)
    const large = await ask(port, `POST /channel/${channel}`, { body: { message: 'x'.repeat(1_500_000) } })
    expect([large.status, (JSON.parse(large.text) as { code: string }).code]).toEqual([413, 'body_too_large'])
  })

  test('HTTP/2 too', async () => {
    const session = connect(`https://localhost:${ports[name]}`, { ca: files.cert })
    const stream = session.request({ ':path': '/channels' })
    const status = await new Promise((resolve, reject) => {
      stream.once('response', (headers) => resolve(headers[':status']))
      session.once('error', reject)
    })
    expect([status, session.alpnProtocol]).toEqual([200, 'h2'])
    session.destroy()
  })
})

test('the server says where HTTP/3 is to be had', async () => {
  const { headers } = await ask(Number(new URL(node.url).port), 'GET /channels')
  expect(headers['alt-svc']).toBe(`h3=":${ports.caddy}"`)
})

test('a browser reads a stream over HTTP/3 by Caddy', async () => {
  const port = ports.caddy
  const channel = await newChannel(port)
  const spki = createPublicKey(new X509Certificate(files.cert).publicKey.export({ type: 'spki', format: 'pem' })).export({
    type: 'spki',
    format: 'der',
  })
  const browser = await chromium.launch({
    executablePath: provisionChromium(),
    args: [
      '--no-sandbox',
      `--origin-to-force-quic-on=localhost:${port}`,
      `--ignore-certificate-errors-spki-list=${createHash('sha256').update(spki).digest('base64')}`,
    ],
  })
  try {
    const page = await browser.newPage()
    await page.goto(`https://localhost:${port}/.well-known/dred`)
    const used = await page.evaluate(() =>
      performance.getEntriesByType('navigation').map((entry) => (entry as PerformanceNavigationTiming).nextHopProtocol),
    )
    expect(used).toEqual(['h3'])
    const caughtUp = Promise.withResolvers<void>()
    await page.exposeFunction('caughtUp', caughtUp.resolve)
    const reading = page.evaluate(async (path) => {
      const response = await fetch(path)
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
      let text = ''
      let live = false
      while (!text.includes('by way of QUIC')) {
        if (!live && text.includes('caughtUp')) {
          live = true
          void (window as unknown as { caughtUp: () => Promise<void> }).caughtUp()
        }
        const next = await reader?.read()
        if (!next || next.done) break
        text += next.value
      }
      await reader?.cancel()
      return {
        text,
        protocols: performance.getEntriesByType('resource').map((entry) => (entry as PerformanceResourceTiming).nextHopProtocol),
      }
    }, `/channel/${channel}/stream`)
    await caughtUp.promise
    expect(await post(port, channel, 'by way of QUIC')).toBe(201)
    const { text, protocols } = await reading
    expect(text).toContain('by way of QUIC')
    expect(protocols).toContain('h3')
  } finally {
    await browser.close()
  }
})

// At the end: nothing is left of the bucket.
describe.each(['caddy', 'nginx'] as const)('by %s', (name) => {
  test('limits are for the address of the client, whatever it says of itself', async () => {
    const port = ports[name]
    // All come from here, with a header that claims another place.
    const claim = (n: number) => ({ 'x-forwarded-for': `10.1.${n >> 8}.${n & 255}` })
    const statuses: number[] = []
    for (let n = 0; n < BURST + 20; n++) {
      const { id, genesis } = await signGenesis(signer, {
        neighborhood: '1',
        createdAt: Date.now(),
        salt: crypto.getRandomValues(new Uint8Array(16)),
      })
      statuses.push((await ask(port, `PUT /channel/${id}`, { body: genesis, headers: claim(n) })).status)
    }
    expect(new Set(statuses)).toContain(429)
    // A proxy that is believed says for whom it asks.
    const { id, genesis } = await signGenesis(signer, {
      neighborhood: '1',
      createdAt: Date.now(),
      salt: crypto.getRandomValues(new Uint8Array(16)),
    })
    const elsewhere = { body: genesis, headers: { 'x-forwarded-for': `192.0.2.${name === 'caddy' ? 1 : 2}` } }
    expect((await ask(Number(new URL(node.url).port), `PUT /channel/${id}`, elsewhere)).status).toBe(201)
  })
})
