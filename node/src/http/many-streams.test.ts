import { once } from 'node:events'
import { connect } from 'node:http2'
import { limits, type ManyStreamEvent } from '@dred/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { registeredServer } from '../testing/registry-view.ts'
import { StreamReader } from '../testing/stream-client.ts'
import { expectProblem, TestClient } from '../testing/test-client.ts'
import { createChannel, publish, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'

const node = await startTestNode()
const signer = await testSigner()
afterAll(() => node.close())

const beginning = (id: string): string => `1.${id.slice(0, 12)}.`
const eventsOf = (reader: StreamReader): ManyStreamEvent[] => reader.events as ManyStreamEvent[]
const of = (reader: StreamReader, channel: string): ManyStreamEvent[] =>
  eventsOf(reader).filter((event) => 'channel' in event && event.channel === channel)
const caughtUp = (reader: StreamReader): number => reader.events.filter(({ type }) => type === 'control').length

async function say(at: TestNode, id: string, message: unknown): Promise<string> {
  const { status, body } = await publish(at.url, id, { signer, message })
  expect(status).toBe(201)
  return String(body['cursor'])
}

async function filled(at: TestNode, messages: number): Promise<string> {
  const id = await createChannel(at.url, signer)
  for (let i = 0; i < messages; i++) await say(at, id, i)
  return id
}

function follow(
  at: TestNode,
  channels: Record<string, string | null>,
  { headers = {}, ...fields }: { headers?: Record<string, string>; receipts?: string } = {},
) {
  return StreamReader.post(`${at.url}/channels/stream`, { channels, ...fields }, headers)
}

test('each channel has its history, then what arrives', async () => {
  const [a, b, c] = [await filled(node, 3), await filled(node, 2), await filled(node, 2)]
  const cursor = await say(node, b, 'seen')
  const reader = await follow(node, { [a]: beginning(a), [b]: cursor, [c]: null })
  await reader.until((all) => caughtUp(all) === 3)
  for (const id of [b, a, c]) await say(node, id, 'live')
  await reader.until(({ messages }) => messages.length === 6)
  const values = (id: string) => reader.messages.filter(({ channel }) => channel === id).map(({ message }) => message)
  expect([values(a), values(b), values(c)]).toEqual([[0, 1, 2, 'live'], ['live'], ['live']])
  expect(of(reader, b).map(({ type }) => type)).toEqual(['open', 'control', 'message'])
  expect(of(reader, b)[0]).toMatchObject({ cursor, server: 1 })
  expect(reader.headers['content-type']).toBe('application/x-ndjson; charset=utf-8')
  expect(reader.headers['dred-version']).toBe('1')
  reader.stop()
})

test('as server-sent events', async () => {
  const id = await filled(node, 1)
  const reader = await follow(node, { [id]: beginning(id) }, { headers: { accept: 'text/event-stream' } })
  await reader.until((all) => caughtUp(all) === 1)
  const [first] = reader.messages
  expect(reader.headers['content-type']).toBe('text/event-stream; charset=utf-8')
  expect(reader.text).toContain(`event: message\nid: ${first?.cursor}\ndata: {"type":"message","id":"${first?.id}"`)
  reader.stop()
})

test('over HTTP/2', async () => {
  const [a, b] = [await filled(node, 1), await filled(node, 1)]
  const session = connect(node.url)
  const stream = session.request({ ':method': 'POST', ':path': '/channels/stream', 'content-type': 'application/json' })
  stream.end(JSON.stringify({ channels: { [a]: beginning(a), [b]: beginning(b) } }))
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)))
  while (text.split('caughtUp').length < 3) await once(stream, 'data')
  const events = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as ManyStreamEvent]))
  expect(events.filter(({ type }) => type === 'message')).toHaveLength(2)
  session.destroy()
})

test('a channel that cannot be followed is told of, and the others go on', async () => {
  const [a, b] = [await filled(node, 1), await filled(node, 1)]
  const unknown = 'u'.repeat(43)
  const own = await startTestNode({ purgeEveryMs: 3_600_000 })
  const expired = await createChannel(own.url, signer, { idleMs: 60_000 })
  const lives = await createChannel(own.url, signer, { idleMs: 600_000 })
  own.advance(61_000)
  const other = await follow(own, { [expired]: null, [lives]: null })
  await other.until((all) => caughtUp(all) === 1)
  expect(of(other, expired)).toEqual([expect.objectContaining({ type: 'error', code: 'channel_expired', retryable: false })])
  other.stop()
  await own.close()

  const reader = await follow(node, { [unknown]: null, [a]: 'not a cursor', [b]: beginning(b) })
  await reader.until((all) => caughtUp(all) === 1)
  expect(of(reader, unknown)).toEqual([expect.objectContaining({ type: 'error', code: 'unknown_channel', status: 404, retryable: true })])
  expect(of(reader, a)).toEqual([expect.objectContaining({ type: 'error', code: 'malformed_cursor' })])
  await say(node, b, 'on')
  await reader.until(({ messages }) => messages.length === 2)
  reader.stop()
})

test('a cursor of another channel, and one that reaches back too far, fail that channel only', async () => {
  const own = await startTestNode({ purgeEveryMs: 20 })
  const [a, b] = [await createChannel(own.url, signer, { lifetimeMs: 5_000, idleMs: 600_000 }), await createChannel(own.url, signer)]
  await say(own, a, 'gone')
  own.advance(6_000)
  const purged = async () => (await own.store.purged(a)).size > 0
  while (!(await purged())) await new Promise((resolve) => setTimeout(resolve, 5))
  const reader = await follow(own, { [a]: beginning(a), [b]: beginning(a) })
  await reader.ended
  expect(of(reader, a)).toEqual([expect.objectContaining({ type: 'error', code: 'cursor_expired', oldest: expect.any(String) })])
  expect(of(reader, b)).toEqual([expect.objectContaining({ type: 'error', code: 'cursor_of_another_channel' })])
  // Without a channel there is nothing to wait for.
  expect(reader.events.at(-1)).toEqual({ type: 'close', reason: 'no_channels', retryMs: 0 })
  await own.close()
})

test('a channel that expires ends alone, with its cursor; the stream with the last one', async () => {
  const own = await startTestNode({ purgeEveryMs: 20 })
  const short = await createChannel(own.url, signer, { idleMs: 60_000 })
  const long = await createChannel(own.url, signer, { idleMs: 120_000 })
  const cursor = await say(own, short, 'x')
  const reader = await follow(own, { [short]: null, [long]: null })
  await reader.until((all) => caughtUp(all) === 2)
  own.advance(61_000)
  await reader.until(({ events }) => events.at(-1)?.type === 'close')
  expect(reader.events.at(-1)).toEqual({ type: 'close', channel: short, reason: 'channel_expired', retryMs: 0, cursor })
  await say(own, long, 'on')
  await reader.until(({ messages }) => messages.length === 1)
  own.advance(600_000)
  await reader.ended
  expect(reader.events.slice(-2)).toEqual([
    expect.objectContaining({ type: 'close', channel: long, reason: 'channel_expired' }),
    { type: 'close', reason: 'no_channels', retryMs: 0 },
  ])
  await own.close()
})

test('one keepalive for all channels', async () => {
  const own = await startTestNode({ keepaliveMs: 100 })
  const [a, b] = [await filled(own, 1), await filled(own, 1)]
  const reader = await follow(own, { [a]: null, [b]: null })
  await reader.until(({ events }) => events.filter(({ type }) => type === 'keepalive').length === 2)
  expect(reader.events.map(({ type }) => type).slice(-2)).toEqual(['keepalive', 'keepalive'])
  expect(reader.events.at(-1)).toEqual({ type: 'keepalive' })
  reader.stop()
  await own.close()
})

test('storage on servers is told once for all channels, behind the messages', async () => {
  const [a, b] = [await filled(node, 1), await filled(node, 1)]
  const reader = await follow(node, { [a]: null, [b]: null }, { receipts: 'stored' })
  await reader.until((all) => caughtUp(all) === 2)
  await say(node, a, 'x')
  await say(node, b, 'y')
  const stored = () => eventsOf(reader).flatMap((event) => (event.type === 'stored' ? [event.n] : []))
  const last = () => reader.messages.at(-1)?.origin.n ?? 0
  await reader.until(() => reader.messages.length === 2 && (stored().at(-1) ?? 0) >= last())
  expect(stored()).toEqual([...new Set(stored())].sort((x, y) => x - y))
  reader.stop()
})

describe('ends as a whole', () => {
  test('when the server shuts down', async () => {
    const own = await startTestNode()
    const [a, b] = [await filled(own, 1), await filled(own, 0)]
    const reader = await follow(own, { [a]: null, [b]: null })
    await reader.until((all) => caughtUp(all) === 2)
    const cursor = await say(own, a, 'last')
    await own.close()
    await reader.ended
    expect(reader.events.at(-1)).toMatchObject({ type: 'close', reason: 'shutting_down', retryMs: expect.any(Number) })
    expect(reader.events.at(-1)).not.toHaveProperty('channel')
    expect(of(reader, a).at(-1)).toMatchObject({ type: 'message', cursor })
  })

  test('when the server is no longer active', async () => {
    const own = await startTestNode()
    const id = await filled(own, 0)
    const reader = await follow(own, { [id]: null })
    await reader.until((all) => caughtUp(all) === 1)
    own.registry.set([registeredServer(2)])
    await reader.ended
    expect(reader.events.at(-1)).toMatchObject({ type: 'close', reason: 'not_serving' })
    const client = new TestClient(own, signer)
    const call = { method: 'POST', path: '/channels/stream', body: JSON.stringify({ channels: { [id]: null } }) }
    await expectProblem(client, call, 'not_serving')
    await own.close()
  })
})

async function streams(at: TestNode): Promise<number> {
  const metrics = await (await fetch(`${at.adminUrl}/metrics`)).text()
  return Number(/^dred_streams_open (\d+)/m.exec(metrics)?.[1])
}

describe('a request that is refused as a whole', () => {
  const call = (body: unknown) => ({
    method: 'POST',
    path: '/channels/stream',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const id = 'a'.repeat(43)
  const ids = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [String(i).padStart(43, 'x'), null]))

  test.each([
    ['nothing', {}],
    ['a list', []],
    ['text', '"x"'],
    ['no channels', { channels: {} }],
    ['too many channels', { channels: ids(limits.streamChannels + 1) }],
    ['a short id', { channels: { a: null } }],
    ['no cursor', { channels: { [id]: 1 } }],
    ['an empty cursor', { channels: { [id]: '' } }],
    ['other names', { channels: { [id]: null }, other: 1 }],
    ['other receipts', { channels: { [id]: null }, receipts: 'all' }],
    ['an inherited name', `{"channels":{"__proto__":null}}`],
  ])('%s', async (_name, body) => {
    await expectProblem(new TestClient(node, signer), call(body), 'malformed_request')
  })

  test('other bodies and queries', async () => {
    const client = new TestClient(node, signer)
    await expectProblem(client, call('{'), 'malformed_json')
    await expectProblem(
      client,
      { ...call({ channels: { [id]: null } }), headers: { 'content-type': 'text/plain' } },
      'unsupported_media_type',
    )
    await expectProblem(client, call('x'.repeat(limits.streamRequestBytes + 1)), 'body_too_large')
    await expectProblem(client, { ...call({ channels: { [id]: null } }), path: '/channels/stream?after=x' }, 'malformed_request')
    await expectProblem(client, { path: '/channels/stream' }, 'method_not_allowed')
    await expectProblem(client, { ...call({}), headers: { 'dred-version': '2' } }, 'unsupported_version')
  })

  test('more streams or channels than the server carries', async () => {
    const own = await startTestNode({ maxStreams: 2, realtime: { maxSubscriptions: 5 } })
    const client = new TestClient(own, signer)
    const real = await filled(own, 0)
    const first = await follow(own, { ...ids(3), [real]: null })
    await first.until((all) => caughtUp(all) === 1)
    await expectProblem(client, call({ channels: ids(2) }), 'too_many_streams')
    const second = await follow(own, { [real]: null })
    await expectProblem(client, call({ channels: { [real]: null } }), 'too_many_streams')
    await expectProblem(client, { path: `/channel/${real}/stream` }, 'too_many_streams')
    for (const reader of [first, second]) reader.stop()
    while ((await streams(own)) > 0);
    const again = await follow(own, { ...ids(4), [real]: null })
    again.stop()
    await own.close()
  })
})
