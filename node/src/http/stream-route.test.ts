import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect } from 'node:http2'
import { setTimeout as delay } from 'node:timers/promises'
import type { Duplex } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import { answer } from '../peers/dial.ts'
import { registeredServer } from '../testing/registry-view.ts'
import { StreamReader } from '../testing/stream-client.ts'
import { createChannel, noReplicator, publish, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'

const node = await startTestNode()
const signer = await testSigner()
afterAll(() => node.close())

async function filled(
  count: number,
  at: TestNode = node,
): Promise<{ id: string; stream: string; say: (value: unknown) => Promise<string> }> {
  const id = await createChannel(at.url, signer)
  const say = async (value: unknown): Promise<string> => {
    const { body, status } = await publish(at.url, id, { signer, message: value })
    expect(status).toBe(201)
    return String(body['cursor'])
  }
  for (let i = 0; i < count; i++) await say(i)
  return { id, stream: `${at.url}/channel/${id}/stream`, say }
}

const values = (reader: StreamReader): unknown[] => reader.messages.map(({ message }) => message)

const transports = [
  ['HTTP/1.1', StreamReader.open],
  ['HTTP/2 without TLS', StreamReader.openHttp2],
] as const

describe.each(transports)('a stream over %s', (_name, open) => {
  test('without a query is live only', async () => {
    const { stream, say } = await filled(3)
    const reader = await open(stream)
    await reader.untilCaughtUp()
    await say('live')
    await reader.until(({ messages }) => messages.length === 1)
    expect(values(reader)).toEqual(['live'])
    expect(reader.events.map(({ type }) => type)).toEqual(['open', 'control', 'message'])
    expect(reader.headers['content-type']).toBe('application/x-ndjson; charset=utf-8')
    expect(reader.headers['access-control-allow-origin']).toBe('*')
    expect(reader.headers['x-request-id']).toMatch(/./)
    reader.stop()
  })

  test.each([
    ['from=start', [0, 1, 2, 3, 4]],
    ['last=2', [3, 4]],
    ['last=0', []],
    ['last=500', [0, 1, 2, 3, 4]],
  ])('with %s begins with history', async (query, history) => {
    const { stream, say } = await filled(5)
    const reader = await open(`${stream}?${query}`)
    await reader.untilCaughtUp()
    expect(values(reader)).toEqual(history)
    await say('live')
    await reader.until(({ messages }) => messages.length === history.length + 1)
    expect(values(reader)).toEqual([...history, 'live'])
    reader.stop()
  })

  test('goes on after every cursor it gave, with what follows and nothing else', async () => {
    const { stream, say } = await filled(3)
    const first = await open(`${stream}?from=start`)
    await first.untilCaughtUp()
    await say(3)
    await first.until(({ messages }) => messages.length === 4)
    let had = 0
    for (const event of first.events) {
      if (event.type === 'message') had++
      if (!('cursor' in event)) continue
      const again = await open(`${stream}?after=${event.cursor}`)
      await again.untilCaughtUp()
      expect(values(again)).toEqual([0, 1, 2, 3].slice(had))
      again.stop()
    }
    first.stop()
  })

  test('as server-sent events, resumed by Last-Event-ID', async () => {
    const { stream, say } = await filled(2)
    const accept = { accept: 'text/event-stream' }
    const reader = await open(`${stream}?from=start`, accept)
    await reader.untilCaughtUp()
    expect(reader.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    const [first] = reader.messages
    expect(reader.text).toContain(`event: message\nid: ${first?.cursor}\ndata: {"type":"message","id":"${first?.id}"`)
    reader.stop()
    await say(2)
    const resumed = await open(`${stream}?from=start`, { ...accept, 'last-event-id': String(first?.cursor) })
    await resumed.untilCaughtUp()
    expect(values(resumed)).toEqual([1, 2])
    resumed.stop()
  })

  test('ends with a close event when the server shuts down, quickly', async () => {
    const own = await startTestNode()
    const { stream, say } = await filled(1, own)
    const reader = await open(stream)
    await reader.untilCaughtUp()
    const cursor = await say('last')
    const started = performance.now()
    await own.close()
    expect(performance.now() - started).toBeLessThan(2_000)
    await reader.ended
    expect(reader.events.at(-1)).toMatchObject({ type: 'close', reason: 'shutting_down', cursor })
  })
})

describe('pages', () => {
  test.each([1, 2, 3, 7])('of %i go through all history in both directions', async (limit) => {
    const { id } = await filled(7)
    const start = (await (await fetch(`${node.url}/channel/${id}`)).json()) as { cursor: string }
    type Page = { items: { message: unknown; cursor: string }[]; next: string | null }
    const page = async (query: string): Promise<Page> =>
      (await (await fetch(`${node.url}/channel/${id}/messages?limit=${limit}&${query}`)).json()) as Page
    const backward: unknown[] = []
    for (let query = ''; ; ) {
      const { items, next } = await page(query)
      backward.unshift(...items.map(({ message }) => message))
      if (next === null) break
      query = `before=${next}`
    }
    expect(backward).toEqual([0, 1, 2, 3, 4, 5, 6])
    const forward: unknown[] = []
    for (let query = `after=1.${id.slice(0, 12)}.`; ; ) {
      const { items, next } = await page(query)
      forward.push(...items.map(({ message }) => message))
      if (next === null) break
      query = `after=${next}`
    }
    expect(forward).toEqual(backward)
    const { items } = await page(`before=${start.cursor}`)
    expect(items.at(-1)?.message).toBe(6)
    const [first] = items
    const upToFirst = await page(`before=${first?.cursor}`)
    expect(upToFirst.items.at(-1)).toEqual(first)
  })
})

describe('streams end with a reason', () => {
  test('when the chain says that the server is no longer active', async () => {
    const own = await startTestNode()
    const { stream } = await filled(0, own)
    const reader = await StreamReader.open(stream)
    await reader.untilCaughtUp()
    own.registry.set([registeredServer(2)])
    await reader.ended
    expect(reader.events.at(-1)).toMatchObject({ type: 'close', reason: 'not_serving' })
    await own.close()
  })

  test('when their channel expires', async () => {
    const own = await startTestNode({ purgeEveryMs: 20 })
    const id = await createChannel(own.url, signer, { idleMs: 60_000 })
    const reader = await StreamReader.open(`${own.url}/channel/${id}/stream`)
    await reader.untilCaughtUp()
    own.advance(61_000)
    await reader.ended
    expect(reader.events.at(-1)).toMatchObject({ type: 'close', reason: 'channel_expired' })
    await own.close()
  })

  test('and a quiet one shows that it is alive', async () => {
    const own = await startTestNode({ keepaliveMs: 100 })
    const { stream, say } = await filled(1, own)
    const cursor = await say('x')
    const reader = await StreamReader.open(stream)
    const started = performance.now()
    await reader.until(({ events }) => events.filter(({ type }) => type === 'keepalive').length === 3)
    expect(performance.now() - started).toBeLessThan(1_000)
    expect(reader.events.at(-1)).toEqual({ type: 'keepalive', cursor })
    reader.stop()
    await own.close()
  })
})

describe('the port', () => {
  test('tells the HTTP versions apart however slowly their first bytes come', async () => {
    const { hostname, port } = new URL(node.url)
    const request = 'POST /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'
    for (const [bytes, expected] of [
      [request, 'HTTP/1.1 404'],
      // The server's SETTINGS frame: type 4 on stream 0.
      [preface, '\x04\0\0\0\0\0'],
    ] as const) {
      const socket = connectTcp({ host: hostname, port: Number(port), noDelay: true })
      await once(socket, 'connect')
      let answer = ''
      socket.setEncoding('latin1').on('data', (chunk) => (answer += String(chunk)))
      for (const byte of bytes.slice(0, 4)) {
        socket.write(byte, 'latin1')
        await delay(5)
      }
      socket.write(bytes.slice(4), 'latin1')
      while (!answer.includes(expected)) await once(socket, 'data')
      expect(answer).toContain(expected)
      socket.destroy()
    }
  })

  test("hands a peer's stream over in both directions", async () => {
    const accepted: Duplex[] = []
    const accept = (stream: Duplex): void => {
      answer(stream)
      accepted.push(stream.pipe(stream))
    }
    const own = await startTestNode({}, { replicatorFactory: () => ({ ...noReplicator(), accept }) })
    const session = connect(own.url)
    const stream = session.request({ ':method': 'POST', ':path': '/peer', 'content-type': 'application/octet-stream' })
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
    expect(headers[':status']).toBe(200)
    stream.write('hello')
    expect(String((await once(stream, 'data'))[0])).toBe('hello')
    expect(accepted).toHaveLength(1)
    // A link that does not end by itself does not hold the server.
    const started = performance.now()
    const closed = once(session, 'close')
    stream.on('error', () => undefined)
    await own.close()
    await closed
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})
