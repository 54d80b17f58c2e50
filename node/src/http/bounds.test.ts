import { once } from 'node:events'
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2'
import { connect as connectTcp, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Signer } from '@dred/protocol'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { noLimits } from '../limits/config.ts'
import { createChannel, publish, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'
import { httpLimits } from './limits.ts'

let node: TestNode
let signer: Signer
const opened: { destroy(): void }[] = []

beforeAll(async () => {
  signer = await testSigner()
})
afterEach(async () => {
  for (const one of opened.splice(0)) one.destroy()
  await node.close()
})

/** A connection of one's own, and all that came on it. */
function tcp(): { socket: Socket; text: () => string; closed: Promise<unknown> } {
  const { hostname, port } = new URL(node.url)
  const socket = connectTcp({ port: Number(port), host: hostname, allowHalfOpen: true })
  opened.push(socket)
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)))
  const closed = new Promise((resolve) => socket.once('end', resolve).once('close', resolve).once('error', resolve))
  return { socket, text: () => text, closed }
}

/** What a server answers to these bytes before it hangs up. */
async function answerTo(bytes: string): Promise<string> {
  const { socket, text, closed } = tcp()
  socket.write(bytes)
  await closed
  return text()
}

async function http2(): Promise<ClientHttp2Session> {
  const session = connect(node.url)
  opened.push(session)
  session.on('error', () => undefined)
  await once(session, 'connect')
  return session
}

async function over2(session: ClientHttp2Session, headers: OutgoingHttpHeaders): Promise<{ status: number; code: unknown }> {
  const stream = session.request(headers)
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)))
  const [head] = (await once(stream, 'response')) as [Record<string, unknown>]
  await once(stream, 'close')
  return { status: Number(head[':status']), code: text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>)['code'] }
}

test('who sends a body that is too large to its end hears so, on a connection that goes on', async () => {
  node = await startTestNode()
  const { socket, text } = tcp()
  const head = 'content-type: application/json\r\nhost: x\r\n'
  socket.write(`POST /channel/${'A'.repeat(43)} HTTP/1.1\r\n${head}content-length: 1500000\r\n\r\n${'x'.repeat(700_000)}`)
  await expect.poll(text).toContain('"code":"body_too_large"')
  socket.write(`${'x'.repeat(800_000)}GET /channels HTTP/1.1\r\nhost: x\r\n\r\n`)
  await expect.poll(text).toMatch(/HTTP\/1\.1 200 /)
})

describe('what comes before a request is one', () => {
  test('headers that are too large', async () => {
    node = await startTestNode()
    const answer = await answerTo(`GET /channels HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(20_000)}\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/)
    expect(answer).toContain('content-type: application/problem+json')
    expect(answer).toContain('"code":"headers_too_large"')
    const session = await http2()
    expect(await over2(session, { ':path': '/channels', a: 'x'.repeat(20_000) })).toEqual({ status: 431, code: 'headers_too_large' })
    const far = session.request({
      ':path': '/channels',
      ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`a${i}`, 'x'.repeat(3_000)])),
    })
    const [error] = (await once(far, 'error')) as [Error & { code: string }]
    expect(error.code).toBe('ERR_HTTP2_STREAM_ERROR')
    expect(await over2(session, { ':path': '/channels' })).toMatchObject({ status: 200 })
  })

  test('too many headers', async () => {
    node = await startTestNode()
    const session = await http2()
    const stream = session.request({ ':path': '/channels', ...Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`a${i}`, 'x'])) })
    const [error] = (await once(stream, 'error')) as [Error]
    expect(error.message).toContain('NGHTTP2_ENHANCE_YOUR_CALM')
  })

  test('an address that is too long', async () => {
    node = await startTestNode()
    const path = `/channels?cursor=${'x'.repeat(13_000)}`
    const response = await fetch(node.url + path)
    expect(response.status).toBe(414)
    expect(await response.json()).toMatchObject({ code: 'uri_too_long' })
    expect(await over2(await http2(), { ':path': path })).toEqual({ status: 414, code: 'uri_too_long' })
  })

  test('headers that come bit by bit', async () => {
    node = await startTestNode({ http: { headTimeoutMs: 100 } })
    const answer = await answerTo('GET /channels HTTP/1.1\r\nhost: x\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/)
    expect(answer).toContain('"code":"request_timeout"')
  })

  test('a host that is missing', async () => {
    node = await startTestNode()
    const answer = await answerTo('GET /channels HTTP/1.1\r\nconnection: close\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('"detail":"It lacks a Host"')
    expect(await answerTo('GET /channels HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('methods that a relay has nothing to do with', async () => {
    node = await startTestNode()
    const connectAnswer = await answerTo('CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n')
    expect(connectAnswer).toMatch(/^HTTP\/1\.1 405 /)
    expect(connectAnswer).toContain('"code":"method_not_allowed"')
    const session = await http2()
    const tunnel = session.request({ ':method': 'CONNECT', ':authority': 'example.com:443' }, { endStream: true })
    const [head] = (await once(tunnel, 'response')) as [Record<string, unknown>]
    expect(head[':status']).toBe(405)
    expect(await answerTo('TRACE /channels HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 405 /)
    expect(await over2(session, { ':method': 'TRACE', ':path': '/channels' })).toMatchObject({ status: 405 })
    const upgrade = 'connection: upgrade, close\r\nupgrade: websocket\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
    // RFC 9110: who does not know a protocol goes on with the one in use.
    expect(await answerTo(`GET /channels HTTP/1.1\r\nhost: x\r\n${upgrade}\r\n`)).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('one address', () => {
  test('has only so many connections, and is told', async () => {
    node = await startTestNode({ limits: { ...noLimits, connections: { total: 100, perAddress: 2 } } })
    const first = tcp()
    const second = tcp()
    await Promise.all([once(first.socket, 'connect'), once(second.socket, 'connect')])
    const refusal = await answerTo('GET /channels HTTP/1.1\r\nhost: x\r\n\r\n')
    expect(refusal).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\nretry-after: 1\r\n/)
    expect(refusal).toContain('"code":"too_many_connections"')
    first.socket.destroy()
    await expect.poll(async () => answerTo('GET /channels HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('is not the proxy that speaks for many; the others are counted by what it says', async () => {
    node = await startTestNode({
      limits: { ...noLimits, connections: { total: 100, perAddress: 1 }, requests: { total: 100, perAddress: 1 } },
      trustProxy: ['loopback'],
    })
    const channel = await createChannel(node.url, signer)
    const stream = (from: string): Promise<Response> =>
      fetch(`${node.url}/channel/${channel}/stream`, { headers: { 'x-forwarded-for': from } })
    const statuses: number[] = []
    for (const from of ['192.0.2.1', '192.0.2.2', '192.0.2.1', '2001:db8::1', '2001:db8::2']) statuses.push((await stream(from)).status)
    expect(statuses).toEqual([200, 200, 429, 200, 429])
  })

  test('has only so many requests open', async () => {
    node = await startTestNode({ limits: { ...noLimits, requests: { total: 100, perAddress: 2 } } })
    const channel = await createChannel(node.url, signer)
    const streams = [await fetch(`${node.url}/channel/${channel}/stream`), await fetch(`${node.url}/channel/${channel}/stream`)]
    const refused = await fetch(`${node.url}/channels`)
    expect(refused.status).toBe(429)
    expect(await refused.json()).toMatchObject({ detail: 'Too many requests from one address at once: at most 2' })
    await streams[0]?.body?.cancel()
    await expect.poll(async () => (await fetch(`${node.url}/channels`)).status).toBe(200)
    await streams[1]?.body?.cancel()
  })

  test('has only so many bytes of bodies under way, known or not', async () => {
    node = await startTestNode({ http: { bodyBytes: { total: 1_000_000, perAddress: 200_000 } } })
    const channel = await createChannel(node.url, signer)
    const session = await http2()
    const begin = (length?: number) => {
      const announced = length === undefined ? {} : { 'content-length': `${length}` }
      const headers = { ':method': 'POST', ':path': `/channel/${channel}`, 'content-type': 'application/json', ...announced }
      return session.request(headers, { endStream: false })
    }
    const held = [begin(), begin(90_000)]
    for (const stream of held) stream.on('error', () => undefined).write('{')
    await delay(50)
    const refused = begin(90_000)
    const [head] = (await once(refused, 'response')) as [Record<string, unknown>]
    expect(head[':status']).toBe(429)
    for (const stream of held) stream.close(constants.NGHTTP2_CANCEL)
    await expect.poll(async () => (await publish(node.url, channel, { signer, message: Math.random() })).status).toBe(201)
  })

  test('does not send requests far ahead of the answers', async () => {
    node = await startTestNode()
    const channel = await createChannel(node.url, signer)
    const { socket, text, closed } = tcp()
    socket.write(`GET /channel/${channel}/stream HTTP/1.1\r\nhost: x\r\n\r\n`.repeat(httpLimits.pipelined + 1))
    await closed
    expect(text().split('HTTP/1.1 200').length - 1).toBeLessThanOrEqual(1)
    expect((await fetch(`${node.url}/channels`)).status).toBe(200)
  })
})

describe('an HTTP/2 connection is cut', () => {
  const controlFrames = { burst: 20, perSecond: 1 }

  test('that pings without end', async () => {
    node = await startTestNode({ http: { controlFrames } })
    const session = await http2()
    // Node's client keeps no more than ten on their way.
    while (!session.destroyed && !session.closed) await new Promise<void>((resolve) => void (session.ping(() => resolve()) || resolve()))
    expect(session.destroyed || session.closed).toBe(true)
  })

  test('that changes its settings without end', async () => {
    node = await startTestNode({ http: { controlFrames } })
    const session = await http2()
    const cut = once(session, 'close')
    for (let i = 0; i < 100 && !session.destroyed; i++) {
      session.settings({ initialWindowSize: 65_535 + i })
      await delay(2)
    }
    await cut
    expect(session.destroyed).toBe(true)
  })

  test('that opens streams and resets them without end', async () => {
    node = await startTestNode({ http: { controlFrames } })
    const session = await http2()
    const goneAway = once(session, 'goaway')
    for (let i = 0; i < 200 && !session.closed && !session.destroyed; i++) {
      const stream = session.request({ ':path': '/channels' })
      stream.on('error', () => undefined).close(constants.NGHTTP2_CANCEL)
      await delay(1)
    }
    await goneAway
    expect(session.closed || session.destroyed).toBe(true)
    expect((await fetch(`${node.url}/channels`)).status).toBe(200)
  })
})

describe('an empty bucket', () => {
  test('of a device is told with how long to wait, and nobody else is refused', async () => {
    node = await startTestNode({ limits: { ...noLimits, device: { burst: 3, perSecond: 1 } } })
    const channel = await createChannel(node.url, signer)
    const other = await testSigner()
    // It costs 2.5 tokens.
    const message = 'x'.repeat(24_576)
    expect((await publish(node.url, channel, { signer, message })).status).toBe(201)
    const { status, body, signed } = await publish(node.url, channel, { signer, message: `${message}2` })
    expect({ status, body }).toMatchObject({ status: 429, body: { code: 'rate_limited', detail: expect.stringContaining('"device"') } })
    expect((await publish(node.url, channel, { signer: other, message: 3 })).status).toBe(201)
    const post = (): Promise<Response> =>
      fetch(`${node.url}/channel/${channel}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(signed),
      })
    const refused = await post()
    const seconds = Number(refused.headers.get('retry-after'))
    expect(Number.isInteger(seconds)).toBe(true)
    expect(refused.headers.get('ratelimit-limit')).toBe('3')
    expect(refused.headers.get('ratelimit-remaining')).toBe('0')
    await delay(seconds * 1_000)
    expect((await post()).status).toBe(201)
  })

  test('is not emptied by forged messages, nor by repeated ones', async () => {
    node = await startTestNode({ limits: { ...noLimits, device: { burst: 3, perSecond: 1 } } })
    const channel = await createChannel(node.url, signer)
    const { signed } = await publish(node.url, channel, { signer, message: 1 })
    for (let i = 0; i < 10; i++) {
      const body = i % 2 === 0 ? signed : { ...signed, message: `forged ${i}` }
      const headers = { 'content-type': 'application/json' }
      const { status } = await fetch(`${node.url}/channel/${channel}`, { method: 'POST', headers, body: JSON.stringify(body) })
      expect(status).toBe(i % 2 === 0 ? 200 : 401)
    }
    expect((await publish(node.url, channel, { signer, message: 2 })).status).toBe(201)
  })

  test('of a channel leaves the others alone', async () => {
    node = await startTestNode({ limits: { ...noLimits, channel: { burst: 1, perSecond: 0.001 } } })
    const [one, two] = [await createChannel(node.url, signer), await createChannel(node.url, signer)]
    expect((await publish(node.url, one, { signer, message: 1 })).status).toBe(201)
    expect((await publish(node.url, one, { signer, message: 2 })).body).toMatchObject({ detail: expect.stringContaining('"channel"') })
    expect((await publish(node.url, two, { signer, message: 1 })).status).toBe(201)
  })

  test('of an address counts bodies before they are read', async () => {
    node = await startTestNode({ limits: { ...noLimits, address: { burst: 8, perSecond: 0.001 } } })
    const post = (bytes: number): Promise<Response> => fetch(`${node.url}/channel/x`, { method: 'POST', body: 'x'.repeat(bytes) })
    expect((await post(98_304)).status).toBe(415)
    const refused = await post(98_304)
    expect(refused.status).toBe(429)
    expect(await refused.json()).toMatchObject({ detail: expect.stringContaining('"address"') })
  })

  test('of sessions', async () => {
    node = await startTestNode({ limits: { ...noLimits, sessions: { burst: 1, perSecond: 0.001 } } })
    const open = (): Promise<Response> =>
      fetch(`${node.url}/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ key: signer.key }),
      })
    expect([(await open()).status, (await open()).status]).toEqual([200, 429])
    expect((await fetch(`${node.url}/channels`)).status).toBe(200)
  })
})
