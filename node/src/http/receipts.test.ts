import {
  describeMismatch,
  PublishResult,
  type Receipt,
  type Signer,
  type StoredEvent,
  streamEvents,
  verifyReceipt,
  WellKnown,
} from '@dred/protocol'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { FakeLadder } from '../testing/fake-ladder.ts'
import { StreamReader } from '../testing/stream-client.ts'
import { expectProblem, post, put, TestClient } from '../testing/test-client.ts'
import { createChannel, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'

let signer: Signer
let ladder: FakeLadder
let node: TestNode
let client: TestClient
let channel: string

beforeAll(async () => {
  signer = await testSigner()
})
beforeEach(async () => {
  ladder = new FakeLadder(3)
  node = await startTestNode({}, { replicatorFactory: () => ladder.replicator() })
  client = new TestClient(node, signer)
  channel = await createChannel(node.url, signer)
})
afterEach(() => node.close())

/** The key that the server shows. */
async function shownKey(): Promise<{ keyX: string; keyY: string }> {
  const { json } = await client.call({ path: '/.well-known/dred' })
  expect(describeMismatch(WellKnown, json)).toBeUndefined()
  const [self] = (json as WellKnown).servers
  const [key] = self?.keys ?? []
  const { publicKey } = (json as WellKnown).server
  expect(key).toEqual({ keyX: publicKey.x, keyY: publicKey.y })
  return { keyX: publicKey.x, keyY: publicKey.y }
}

async function say(message: unknown, query = ''): Promise<{ status: number; receipt: Receipt; ms: number }> {
  return sayAgain(await client.signed(channel, { message }), query)
}

async function sayAgain(body: Record<string, unknown>, query = ''): Promise<{ status: number; receipt: Receipt; ms: number }> {
  const call = post(channel, body)
  const startedAt = performance.now()
  const { response, json } = await client.call({ ...call, path: call.path + query })
  expect(describeMismatch(PublishResult, json)).toBeUndefined()
  return { status: response.status, receipt: (json as PublishResult).receipt, ms: performance.now() - startedAt }
}

async function messages(): Promise<number> {
  return Number((await client.call({ path: `/channel/${channel}` })).json['messages'])
}

/** What has been said about storage: up to which count on how many servers. */
const rungs = ({ events }: StreamReader): number[][] =>
  events.filter((event): event is StoredEvent => event.type === 'stored').map(({ n, stored, servers }) => [n, stored, servers])

const follow = (query: string): Promise<StreamReader> => StreamReader.open(`${node.url}/channel/${channel}/stream?${query}`)

describe('the receipt of a publish', () => {
  test('is signed with the key that the server shows, for this message and no other', async () => {
    const key = await shownKey()
    const { receipt, status } = await say('first')
    expect(status).toBe(201)
    expect(receipt).toMatchObject({ type: 'receipt', signer: 1, server: 1, channel, stored: 1, servers: 3, chainId: 31_337 })
    expect(Math.abs(receipt.acceptedAt - Date.now())).toBeLessThan(5_000)
    expect(await verifyReceipt(receipt, key)).toBe(true)
    const { receipt: other } = await say('second')
    expect(other.n).toBe(receipt.n + 1)
    expect(await verifyReceipt({ ...other, signature: receipt.signature }, key)).toBe(false)
  })

  test('of a message that was there says how far it has come since', async () => {
    const body = await client.signed(channel, { message: 'again' })
    const first = await sayAgain(body)
    ladder.hear([first.receipt.n, first.receipt.n, 0])
    const second = await sayAgain(body)
    expect([first.status, second.status]).toEqual([201, 200])
    const { signature: _, signedAt: _at, ...same } = second.receipt
    expect(first.receipt).toMatchObject({ ...same, stored: 1 })
    expect(second.receipt.stored).toBe(2)
    expect(await verifyReceipt(second.receipt, await shownKey())).toBe(true)
  })
})

describe('?stored', () => {
  test('answers when so many servers have it', async () => {
    const body = await client.signed(channel, { message: 'wait' })
    const { receipt } = await sayAgain(body)
    const waiting = sayAgain(body, '?stored=quorum')
    ladder.hear([receipt.n, receipt.n, 0])
    expect((await waiting).receipt).toMatchObject({ n: receipt.n, stored: 2, servers: 3 })
    const all = sayAgain(body, '?stored=3&waitMs=10000')
    ladder.hear([receipt.n, receipt.n, receipt.n])
    expect((await all).receipt).toMatchObject({ stored: 3, servers: 3 })
  })

  test('answers after its time with as many as there are: the message is stored', async () => {
    const { status, receipt, ms } = await say('slow', '?stored=all&waitMs=50')
    expect([status, receipt.stored]).toEqual([201, 1])
    expect(ms).toBeGreaterThan(45)
    expect(await messages()).toBe(1)
  })

  test.each([
    ['stored=4', 'stored may be at most 3: the neighborhood has 3 servers'],
    ['stored=0', '/stored must match'],
    ['stored=most', '/stored must match'],
    ['stored=2&waitMs=10001', '/waitMs must be at most 10000'],
    ['stored=2&waitMs=-1', '/waitMs must be'],
    ['stored=2&stored=3', '/stored must be of type string'],
    ['waitMs=5', 'waitMs needs stored'],
    ['store=2', '/store is not known here'],
  ])('%s is refused, and nothing is stored', async (query, detail) => {
    const call = post(channel, await client.signed(channel))
    const problem = await expectProblem(client, { ...call, path: `${call.path}?${query}` }, 'malformed_request')
    expect(problem['detail']).toContain(detail)
    expect(await messages()).toBe(0)
  })

  test('does not hold a server that shuts down', async () => {
    const waiting = say('last', '?stored=all&waitMs=10000')
    while ((await messages()) === 0);
    const startedAt = performance.now()
    await node.close()
    expect((await waiting).receipt).toMatchObject({ stored: 1 })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})

describe('stored events', () => {
  test('follow the messages of this server from one server to all, on streams that ask for them', async () => {
    const [reader, silent] = [await follow('receipts=stored'), await follow('')]
    await Promise.all([reader.untilCaughtUp(), silent.untilCaughtUp()])
    const { receipt } = await say('one')
    await reader.until(() => rungs(reader).length === 1)
    ladder.hear([receipt.n, receipt.n, 0])
    await reader.until(() => rungs(reader).length === 2)
    ladder.hear([receipt.n, receipt.n, receipt.n])
    await reader.until(() => rungs(reader).length === 3)
    expect(rungs(reader)).toEqual([1, 2, 3].map((stored) => [receipt.n, stored, 3]))
    const types = reader.events.map(({ type }) => type)
    expect(types).toEqual(['open', 'control', 'message', 'stored', 'stored', 'stored'])
    await say('two')
    await silent.until(() => silent.messages.length === 2)
    expect(silent.text).not.toContain('stored')
    reader.stop()
    silent.stop()
  })

  test('are signed with the key that the server shows', async () => {
    await say('one')
    const reader = await follow('receipts=stored')
    await reader.until(() => rungs(reader).length === 1)
    const event = reader.events.find((found): found is StoredEvent => found.type === 'stored')
    if (!event) throw new Error('No event')
    expect(describeMismatch(streamEvents.stored, event)).toBeUndefined()
    const key = await shownKey()
    expect(await verifyReceipt(event, key)).toBe(true)
    expect(await verifyReceipt({ ...event, n: event.n + 1 }, key)).toBe(false)
    reader.stop()
  })

  test('tell who comes later what there is to know behind the history, also as server-sent events and on resumption', async () => {
    const { receipt } = await say('one')
    const first = await follow('from=start&receipts=stored')
    ladder.hear([receipt.n, receipt.n, receipt.n])
    await first.until(() => rungs(first).some(([, stored]) => stored === 3))
    const headers = { accept: 'text/event-stream', 'last-event-id': first.messages[0]?.cursor ?? '' }
    const late = await StreamReader.open(`${node.url}/channel/${channel}/stream?from=start&receipts=stored`, headers)
    await late.until(() => rungs(late).length === 1)
    expect(late.events.map(({ type }) => type)).toEqual(['open', 'control', 'stored'])
    expect(rungs(late)).toEqual([[receipt.n, 3, 3]])
    // No place to go on from: the reader's last event id stays that of the event before.
    expect(late.text).toMatch(/\n\nevent: stored\ndata: \{/)
    first.stop()
    late.stop()
  })

  test('do not come for a channel without messages of this server', async () => {
    const other = await createChannel(node.url, signer, { name: 'busy' })
    const quiet = await follow('receipts=stored')
    const busy = await StreamReader.open(`${node.url}/channel/${other}/stream?receipts=stored`)
    await Promise.all([quiet.untilCaughtUp(), busy.untilCaughtUp()])
    await client.call(post(other, await client.signed(other)))
    await busy.until(() => rungs(busy).length === 1)
    ladder.hear([9, 9, 9])
    await busy.until(() => rungs(busy).length === 2)
    expect(rungs(quiet)).toEqual([])
    quiet.stop()
    busy.stop()
  })
})

test('a parameter that an address does not have is refused by its name', async () => {
  const { id, genesis } = await client.genesis()
  const created = put(id, genesis)
  for (const call of [
    { path: `/channel/${channel}/stream?form=start` },
    { path: `/channel/${channel}/stream?receipts=stored&form=start` },
    { path: `/channel/${channel}/messages?form=1` },
    { path: `/channel/${channel}?form=1` },
    { path: '/channels?form=1' },
    { path: '/.well-known/dred?form=1' },
    { path: `/.well-known/dred/proof?nonce=0x${'5a'.repeat(32)}&form=1` },
    { path: '/problems/internal?form=1' },
    { path: '/openapi.json?form=1' },
    { ...created, path: `${created.path}?form=1` },
  ]) {
    expect((await expectProblem(client, call, 'malformed_request'))['detail']).toContain('/form is not known here')
  }
  await expectProblem(client, { path: `/channel/${channel}/stream?receipts=all` }, 'malformed_request')
  expect(await client.status({ path: `/channel/${id}` })).toBe(404)
})
