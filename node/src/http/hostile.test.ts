import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Signer } from '@dred/protocol'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { noLimits } from '../limits/config.ts'
import { expectProblem, put, TestClient } from '../testing/test-client.ts'
import { createChannel, publish, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'

let node: TestNode
let signer: Signer
const sessions: ClientHttp2Session[] = []

beforeAll(async () => {
  signer = await testSigner()
})
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy()
  await node.close()
})

async function http2(settings: { initialWindowSize?: number } = {}): Promise<ClientHttp2Session> {
  const session = connect(node.url, { settings })
  sessions.push(session)
  await once(session, 'connect')
  return session
}

const beginPost = (session: ClientHttp2Session, path: string): ClientHttp2Stream =>
  session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json' }, { endStream: false })

async function statusOf(stream: ClientHttp2Stream): Promise<number> {
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  return Number(headers[':status'])
}

describe('a body that does not come', () => {
  test('is not waited for over HTTP/1.1', async () => {
    node = await startTestNode({ http: { bodyTimeoutMs: 100 } })
    const { hostname, port } = new URL(node.url)
    const socket = connectTcp(Number(port), hostname)
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)))
    socket.write('POST /channel/x HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"message"')
    await once(socket, 'close')
    expect(text).toMatch(/^HTTP\/1\.1 408 /)
    expect(text).toContain('"code":"request_timeout"')
  })

  test('is not waited for over HTTP/2, and the requests beside it go on', async () => {
    node = await startTestNode({ http: { bodyTimeoutMs: 100 } })
    const channel = await createChannel(node.url, signer)
    const session = await http2()
    const slow = beginPost(session, `/channel/${channel}`)
    slow.on('error', () => undefined)
    slow.write('{"message"')
    slow.resume()
    expect(await statusOf(slow)).toBe(408)
    await once(slow, 'close')
    const other = beginPost(session, `/channel/${channel}`)
    other.end('{')
    expect(await statusOf(other)).toBe(400)
  })

  test('is something else than a client that is quiet between requests', async () => {
    node = await startTestNode({ http: { bodyTimeoutMs: 50 } })
    const channel = await createChannel(node.url, signer)
    const session = await http2()
    for (let i = 0; i < 2; i++) {
      const stream = beginPost(session, `/channel/${channel}`)
      stream.end('{')
      expect(await statusOf(stream)).toBe(400)
      await delay(100)
    }
    expect((await publish(node.url, channel, { signer, message: 1 })).status).toBe(201)
  })
})

describe('a connection', () => {
  test('on which nothing happens is closed', async () => {
    node = await startTestNode({ http: { idleTimeoutMs: 100 } })
    const session = await http2()
    await once(session, 'close')
    expect(session.destroyed).toBe(true)
  })

  test('with a stream on it is not', async () => {
    node = await startTestNode({ http: { idleTimeoutMs: 200 }, keepaliveMs: 50 })
    const channel = await createChannel(node.url, signer)
    const session = await http2()
    const stream = session.request({ ':path': `/channel/${channel}/stream` })
    let text = ''
    stream.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)))
    await expect.poll(() => text.split('keepalive').length, { timeout: 5_000 }).toBeGreaterThan(10)
    expect(session.closed).toBe(false)
  })
})

test('answers that nobody takes are not made without end', async () => {
  node = await startTestNode({ http: { heldPageBytes: { total: 1_000_000, perAddress: 200_000 } } })
  const channel = await createChannel(node.url, signer)
  await publish(node.url, channel, { signer, message: 'x'.repeat(60_000) })
  const session = await http2({ initialWindowSize: 0 })
  const statuses: number[] = []
  const streams: ClientHttp2Stream[] = []
  for (let i = 0; i < 6; i++) {
    const stream = session.request({ ':path': `/channel/${channel}/messages` })
    streams.push(stream)
    statuses.push(await statusOf(stream))
  }
  expect(statuses).toEqual([200, 200, 200, 200, 429, 429])
  const refused = await fetch(`${node.url}/channel/${channel}/messages`)
  expect(refused.status).toBe(429)
  expect(refused.headers.get('retry-after')).toBe('1')
  for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL)
  await expect.poll(async () => (await fetch(`${node.url}/channel/${channel}/messages`)).status).toBe(200)
})

test('one address makes only so many channels', async () => {
  node = await startTestNode({ limits: { ...noLimits, creations: { burst: 2, perSecond: 0.001 } } })
  const client = new TestClient(node, signer)
  const channel = await createChannel(node.url, signer)
  await createChannel(node.url, signer)
  const { id, genesis } = await client.genesis()
  await expectProblem(client, put(id, genesis), 'rate_limited')
  expect((await publish(node.url, channel, { signer, message: 1 })).status).toBe(201)
})
