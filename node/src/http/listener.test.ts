import { once } from 'node:events'
import { connect } from 'node:http2'
import { request } from 'node:https'
import { type AddressInfo, connect as connectPlain } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Signer } from '@dred/protocol'
import { signMessage } from '@dred/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noLimits } from '../limits/config.ts'
import { makeCertificate, TestCertificates } from '../testing/certificates.ts'
import { httpLimits } from './limits.ts'
import { createListener } from './listener.ts'
import { createChannel, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'

let signer: Signer
beforeAll(async () => {
  signer = await testSigner()
})

interface Answer {
  status: number
  body: string
}

/** One request over HTTP/2. */
async function overHttp2(url: string, { method = 'GET', body = '' } = {}): Promise<Answer> {
  const { origin, pathname } = new URL(url)
  const session = connect(origin, { rejectUnauthorized: false })
  try {
    const stream = session.request({ ':method': method, ':path': pathname, 'content-type': 'application/json' }, { endStream: body === '' })
    if (body !== '') stream.end(body)
    const status = await new Promise<number>((resolve, reject) => {
      stream.on('response', (headers) => resolve(Number(headers[':status']))).on('error', reject)
      session.on('error', reject)
    })
    let text = ''
    for await (const chunk of stream) text += String(chunk)
    return { status, body: text }
  } finally {
    session.close()
  }
}

function overHttps1(url: string): Promise<Answer & { protocol: string }> {
  return new Promise((resolve, reject) => {
    // Node's HTTPS client offers HTTP/1.1 only.
    const sent = request(url, { rejectUnauthorized: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        body += String(chunk)
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, protocol: response.httpVersion }))
    })
    sent.on('error', reject).end()
  })
}

describe('without TLS', () => {
  test('a message posted over HTTP/2 is read over HTTP/1.1', async () => {
    const node = await startTestNode()
    const channel = await createChannel(node.url, signer)
    const { signed, id } = await signMessage(signer, channel, { message: 'over HTTP/2', sentAt: Date.now() })
    const { status, body } = await overHttp2(`${node.url}/channel/${channel}`, { method: 'POST', body: JSON.stringify(signed) })
    expect(status).toBe(201)
    expect(JSON.parse(body)).toMatchObject({ id })
    expect(await (await fetch(`${node.url}/channel/${channel}/messages`)).json()).toMatchObject({ items: [{ id }] })
    const refused = await overHttp2(`${node.url}/channel/${channel}`, { method: 'POST', body: '{' })
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'malformed_json', status: 400 })
    await node.close()
  })
})

describe('a connection whose client leaves at once', () => {
  const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])])

  test.each([
    ['HTTP/2', preface],
    ['HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['what is neither yet', Buffer.from('PR')],
  ])('is not kept: %s', async (_, said) => {
    const listener = createListener((_request, response) => response.end(), {
      tls: undefined,
      limits: httpLimits,
      connections: { total: 1_000, perAddress: 1_000 },
      trustProxy: [],
    })
    const { server, connections } = listener
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const clients = Array.from({ length: 50 }, () => connectPlain({ port, host: '127.0.0.1' }).on('error', () => undefined))
    await Promise.all(clients.map((client) => once(client, 'connect')))
    for (const client of clients) client.end(said)
    await expect.poll(() => connections.count, { timeout: 5_000 }).toBe(0)
    listener.destroyConnections()
    server.close()
  })
})

describe('with TLS', () => {
  let tls: TestCertificates
  let node: TestNode

  beforeAll(async () => {
    tls = new TestCertificates(await makeCertificate())
    node = await startTestNode({ tls })
  })
  afterAll(() => node.close())

  test('the client chooses the version by ALPN', async () => {
    const { href } = new URL('/channels', node.url)
    expect(href).toMatch(/^https:/)
    expect(await overHttp2(href)).toEqual({ status: 200, body: '{"items":[],"next":null}' })
    expect(await overHttps1(href)).toEqual({ status: 200, body: '{"items":[],"next":null}', protocol: '1.1' })
  })

  test('what is no request is answered over HTTP/1.1 as without TLS, and a connection too many is closed', async () => {
    const connections = { total: 100, perAddress: 1 }
    const own = await startTestNode({ tls, http: { headTimeoutMs: 200 }, limits: { ...noLimits, connections } })
    const port = Number(new URL(own.url).port)
    const open = (): { socket: TLSSocket; answer: Promise<string> } => {
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
      let text = ''
      socket.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)))
      const answer = new Promise<string>((resolve) => socket.once('close', () => resolve(text)))
      socket.on('error', () => socket.destroy())
      return { socket, answer }
    }
    const slow = open()
    await once(slow.socket, 'secureConnect')
    slow.socket.write('GET /channels HTTP/1.1\r\n')
    expect(await open().answer).toBe('')
    expect(await slow.answer).toContain('"code":"request_timeout"')
    const large = async (): Promise<string> => {
      const { socket, answer } = open()
      socket.write(`GET /channels HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(20_000)}\r\n\r\n`)
      return answer
    }
    await expect.poll(large).toContain('"code":"headers_too_large"')
    await own.close()
  })
})
