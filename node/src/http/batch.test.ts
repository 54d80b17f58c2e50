import { BatchResult, describeMismatch, DredError, encodeBase64url, limits, signMessage, verifyReceipt } from '@dred/protocol'
import { Random } from '@dred/protocol/testing/random'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { Store } from '../store/port.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { expectFault } from '../testing/declared-errors.ts'
import { FakeLadder } from '../testing/fake-ladder.ts'
import { jitteryStore } from '../testing/jittery-store.ts'
import { type Call, expectProblem, TestClient } from '../testing/test-client.ts'
import { createChannel, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'

type Json = Record<string, unknown>

const node = await startTestNode()
const signer = await testSigner()
const client = new TestClient(node, signer)
let channel: string
const nodes: TestNode[] = []
afterAll(() => node.close())
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((other) => other.close()))
})

const batch = (id: string, messages: unknown, query = ''): Call => ({
  method: 'POST',
  path: `/channel/${id}/messages${query}`,
  body: JSON.stringify({ messages }),
})

async function send(call: Call): Promise<BatchResult['results']> {
  const { response, json } = await client.call(call)
  expect([response.status, json['code']]).toEqual([200, undefined])
  expect(describeMismatch(BatchResult, json)).toBeUndefined()
  return (json as BatchResult).results
}

const signed = (count: number): Promise<Json[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => client.signed(channel, { message: { i } })))

const outcomes = (results: BatchResult['results']): unknown[] =>
  results.map((result) => ('problem' in result ? result.problem.code : result.status))

async function history(): Promise<{ id: string; message: unknown }[]> {
  const { json } = await client.call({ path: `/channel/${channel}/messages?limit=500` })
  return json['items'] as { id: string; message: unknown }[]
}

describe('POST /channel/:id/messages', () => {
  test('takes messages in their order, and answers each with its id, its cursor and its receipt', async () => {
    channel = await createChannel(node.url, signer)
    const results = await send(batch(channel, await signed(64)))
    expect(outcomes(results)).toEqual(Array.from({ length: 64 }, () => 201))
    const items = await history()
    expect(items.map(({ message }) => message)).toEqual(Array.from({ length: 64 }, (_, i) => ({ i })))
    expect(results.map((result) => 'id' in result && result.id)).toEqual(items.map(({ id }) => id))
    const { publicKey } = (await client.call({ path: '/.well-known/dred' })).json['server'] as { publicKey: { x: string; y: string } }
    for (const [i, result] of results.entries()) {
      if ('problem' in result) throw new Error(result.problem.code)
      expect(result.receipt).toMatchObject({
        id: result.id,
        channel,
        n: Number(results[0] && 'id' in results[0] && results[0].receipt.n) + i,
      })
      expect(await verifyReceipt(result.receipt, { keyX: publicKey.x, keyY: publicKey.y })).toBe(true)
      const { json } = await client.call({ path: `/channel/${channel}/messages?after=${encodeURIComponent(result.cursor)}` })
      expect(json['items']).toHaveLength(63 - i)
    }
  })

  test('judges each by itself: what is wrong with one is answered in its place and harms no other', async () => {
    channel = await createChannel(node.url, signer, { limits: { messageBytes: 400 } })
    const [good, ...more] = await signed(4)
    const weak = encodeBase64url(new Uint8Array(32).fill(1, 0, 1))
    const messages = [
      good,
      null,
      { ...more[0], extra: 1 },
      { ...more[0], message: 'changed' },
      more[1],
      { ...more[0], key: weak },
      await client.signed(channel, { message: 'x'.repeat(400) }),
      await client.signed(channel, { sentAt: Date.now() + limits.clockSkewMs + 5_000 }),
      await client.signed(channel, { sentAt: Date.now() - 86_400_000 }),
      good,
      more[2],
    ]
    const results = await send(batch(channel, messages))
    expect(outcomes(results)).toEqual([
      201,
      'malformed_message',
      'malformed_message',
      'invalid_signature',
      201,
      'weak_key',
      'body_too_large',
      'clock_skew',
      'message_expired',
      200,
      201,
    ])
    const problems = results.flatMap((result) => ('problem' in result ? [{ ...result.problem, was: result.status }] : []))
    for (const { status, was, type, code, retryable, requestId } of problems) {
      expect({ was, type, retryable }).toEqual({ was: status, type: `/problems/${code}`, retryable: false })
      expect(requestId).toMatch(/./)
    }
    expect((await history()).map(({ message }) => message)).toEqual([{ i: 0 }, { i: 2 }, { i: 3 }])
    expect(outcomes(await send(batch(channel, messages.slice(0, 1))))).toEqual([200])
  })

  test('lets messages follow earlier ones of the batch, without waiting for anything', async () => {
    const ladder = new FakeLadder(3)
    const admitted: (readonly string[])[] = []
    const replicator = { ...ladder.replicator(), admit: async (missing: readonly string[]) => void admitted.push(missing) }
    const other = await startTestNode({}, { replicatorFactory: () => replicator })
    nodes.push(other)
    const id = await createChannel(other.url, signer)
    const unknown = encodeBase64url(new Uint8Array(32))
    const first = await signMessage(signer, id, { message: 1, sentAt: Date.now() })
    const second = await signMessage(signer, id, { message: 2, sentAt: Date.now(), prev: [first.id] })
    const third = await signMessage(signer, id, { message: 3, sentAt: Date.now(), prev: [second.id, unknown] })
    const client2 = new TestClient(other, signer)
    const { json } = await client2.call(
      batch(
        id,
        [first, second, third].map((message) => message.signed),
      ),
    )
    expect(outcomes((json as BatchResult).results)).toEqual([201, 201, 201])
    expect(admitted).toEqual([[unknown]])
  })

  test('waits with stored until so many servers have each', async () => {
    const ladder = new FakeLadder(3)
    const other = await startTestNode({}, { replicatorFactory: () => ladder.replicator() })
    nodes.push(other)
    const id = await createChannel(other.url, signer)
    const messages = await Promise.all(
      [1, 2].map(async (message) => (await signMessage(signer, id, { message, sentAt: Date.now() })).signed),
    )
    const client2 = new TestClient(other, signer)
    const after = async (query: string) => {
      const { json } = await client2.call(batch(id, messages, query))
      return (json as BatchResult).results.map((result) => ('id' in result ? [result.status, result.receipt.stored] : result.problem.code))
    }
    expect(await after('?stored=quorum&waitMs=20')).toEqual([
      [201, 1],
      [201, 1],
    ])
    const [again] = ((await client2.call(batch(id, messages))).json as BatchResult).results
    const n = again && 'receipt' in again ? again.receipt.n : 0
    ladder.hear([n + 1, n, 0])
    expect(await after('?stored=quorum&waitMs=20')).toEqual([
      [200, 2],
      [200, 1],
    ])
    await expectProblem(client2, batch(id, messages, '?stored=4'), 'malformed_request')
    await expectProblem(client2, batch(id, messages, '?waitMs=4'), 'malformed_request')
    await expectProblem(client2, batch(id, messages, '?form=4'), 'malformed_request')
  })

  test.each([
    ['no messages', '{}', '/messages is missing'],
    ['messages that are no list', '{"messages":{}}', '/messages must be of type array'],
    ['none', '{"messages":[]}', '/messages must have at least 1 items'],
    ['too many', JSON.stringify({ messages: Array.from({ length: 65 }, () => ({})) }), '/messages must have at most 64 items'],
    ['a field more', '{"messages":[{}],"more":1}', '/more is not known here'],
    ['a list', '[]', 'must be of type object'],
    ['null', 'null', 'must be of type object'],
  ])('refuses %s altogether', async (_name, body, detail) => {
    const problem = await expectProblem(client, { ...batch(channel, []), body }, 'malformed_request')
    expect(problem['detail']).toContain(detail)
  })

  test('refuses a body that is no JSON, of another type, or larger than a mebibyte', async () => {
    const headers = { 'content-type': 'application/json' }
    await expectProblem(client, { ...batch(channel, []), body: '{', headers }, 'malformed_json')
    await expectProblem(client, { ...batch(channel, []), body: '', headers }, 'malformed_json')
    await expectProblem(client, { ...batch(channel, []), headers: { 'content-type': 'text/plain' } }, 'unsupported_media_type')
    const large = 'x'.repeat(limits.messageBytes - 400)
    const messages = await Promise.all(Array.from({ length: 16 }, () => client.signed(channel, { message: large })))
    await expectProblem(client, batch(channel, [...messages, large]), 'body_too_large')
  })

  test('takes as much as fits: fifteen of the largest messages', async () => {
    channel = await createChannel(node.url, signer)
    const message = 'x'.repeat(limits.messageBytes - 400)
    const messages = await Promise.all(Array.from({ length: 15 }, (_, i) => client.signed(channel, { message: message + i })))
    expect(outcomes(await send(batch(channel, messages)))).toEqual(messages.map(() => 201))
  })

  test('refuses channels that there are not, or not any more, altogether', async () => {
    const unknown = 'A'.repeat(43)
    await expectProblem(client, batch(unknown, [await client.signed(unknown)]), 'unknown_channel')
    await expectProblem(client, batch('short', []), 'malformed_request')
    const other = await startTestNode()
    nodes.push(other)
    const client2 = new TestClient(other, signer)
    const id = await createChannel(other.url, signer, { idleMs: 1_000 })
    other.advance(2_000)
    await expectProblem(client2, batch(id, [await client.signed(id)]), 'channel_expired')
    const second = await createChannel(other.url, signer, { createdAt: Date.now() })
    other.registry.set([])
    await expectProblem(client2, batch(second, [await client.signed(second)]), 'not_serving')
  })

  test('answers for each what the store says of it', async () => {
    const memory = await openSqliteStore({ path: ':memory:' })
    expectFault()
    const failures: unknown[] = [new DredError('storage_full'), undefined, new DredError('store_unavailable'), new Error('a fault')]
    const append: Store['append'] = (...args) => {
      const failure = args[0].kind === 'message' ? failures.shift() : undefined
      return failure ? Promise.reject(failure) : memory.append(...args)
    }
    const other = await startTestNode({}, { store: { ...jitteryStore(memory, new Random(1), 1), append } })
    nodes.push(other)
    const id = await createChannel(other.url, signer)
    const messages = await Promise.all(
      [1, 2, 3, 4, 5].map(async (message) => (await signMessage(signer, id, { message, sentAt: Date.now() })).signed),
    )
    const { json } = await new TestClient(other, signer).call(batch(id, messages))
    expect(describeMismatch(BatchResult, json)).toBeUndefined()
    expect(outcomes((json as BatchResult).results)).toEqual(['storage_full', 201, 'store_unavailable', 'internal', 201])
    const statuses = (json as BatchResult).results.map(({ status }) => status)
    expect(statuses).toEqual([503, 201, 503, 500, 201])
    expect(JSON.stringify(json)).not.toContain('a fault')
  })
})
