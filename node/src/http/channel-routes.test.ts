import { canonicalJson, encodeBase64url, hashId, limits } from '@dred/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { expectProblem, post, put, TestClient } from '../testing/test-client.ts'
import { createChannel, publish, startTestNode, testSigner } from '../testing/test-node.ts'

const UNKNOWN = 'A'.repeat(43)

const node = await startTestNode()
const signer = await testSigner()
const client = new TestClient(node, signer)
const channel = await createChannel(node.url, signer)
afterAll(() => node.close())

describe('POST /channel/:id', () => {
  test.each(['{', '', '{"message":1}}', "{'message':1}", 'nonsense'])('refuses %j as malformed JSON', async (body) => {
    await expectProblem(
      client,
      { method: 'POST', path: `/channel/${channel}`, body, headers: { 'content-type': 'application/json' } },
      'malformed_json',
    )
  })

  test.each([
    ['null', 'null'],
    ['an array', '[]'],
    ['a text', '"x"'],
    ['an empty object', '{}'],
  ])('refuses %s as no message', async (_name, body) => {
    await expectProblem(client, { method: 'POST', path: `/channel/${channel}`, body }, 'malformed_message')
  })

  test.each(['message', 'key', 'sentAt', 'sig'])('refuses a message without %s', async (name) => {
    const { [name]: _left, ...rest } = await client.signed(channel)
    await expectProblem(client, post(channel, rest), 'malformed_message')
  })

  test('judges the body as it was sent: nothing is coerced, nothing is dropped', async () => {
    const body = await client.signed(channel)
    await expectProblem(client, post(channel, { ...body, sentAt: String(body['sentAt']) }), 'malformed_message')
    await expectProblem(client, post(channel, { ...body, extra: 1 }), 'malformed_message')
    await expectProblem(client, { ...post(channel, {}), body: JSON.stringify(body).replace('{', '{"__proto__":{},') }, 'malformed_message')
  })

  test('refuses JSON nested too deeply, and takes it one level less deep', async () => {
    const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
    await expectProblem(client, post(channel, { ...(await client.signed(channel)), message: nested(200) }), 'malformed_message')
    expect(await client.status(post(channel, await client.signed(channel, { message: nested(60) })))).toBe(201)
  })

  test('refuses wrong signatures, among them one for another channel', async () => {
    const body = await client.signed(channel)
    const flipped = `${String(body['sig']).startsWith('A') ? 'B' : 'A'}${String(body['sig']).slice(1)}`
    await expectProblem(client, post(channel, { ...body, message: 'other' }), 'invalid_signature')
    await expectProblem(client, post(channel, { ...body, sig: flipped }), 'invalid_signature')
    const other = await createChannel(node.url, signer)
    await expectProblem(client, post(other, body), 'invalid_signature')
  })

  test('refuses a key of small order', async () => {
    const weak = encodeBase64url(new Uint8Array(32).fill(1, 0, 1))
    await expectProblem(client, post(channel, { ...(await client.signed(channel)), key: weak }), 'weak_key')
  })

  test('refuses messages of the future and of the past', async () => {
    await expectProblem(
      client,
      post(channel, await client.signed(channel, { sentAt: Date.now() + limits.clockSkewMs + 5_000 })),
      'clock_skew',
    )
    await expectProblem(client, post(channel, await client.signed(channel, { sentAt: Date.now() - 86_400_000 })), 'message_expired')
    expect(await client.status(post(channel, await client.signed(channel, { sentAt: Date.now() + limits.clockSkewMs - 5_000 })))).toBe(201)
  })

  test("refuses what is too large: the body, and the message by its channel's own limit", async () => {
    const huge = 'x'.repeat(limits.bodyBytes)
    await expectProblem(
      client,
      { method: 'POST', path: `/channel/${channel}`, body: JSON.stringify({ ...(await client.signed(channel)), message: huge }) },
      'body_too_large',
    )
    await expectProblem(
      client,
      post(channel, { ...(await client.signed(channel)), message: 'x'.repeat(limits.messageBytes) }),
      'body_too_large',
    )
    const small = await createChannel(node.url, signer, { limits: { messageBytes: 300 } })
    await expectProblem(client, post(small, await client.signed(small, { message: 'x'.repeat(300) })), 'body_too_large')
    expect((await publish(node.url, small, { signer, message: 'x' })).status).toBe(201)
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/octet-stream', 'nonsense'])('refuses %s', async (type) => {
    await expectProblem(
      client,
      { ...post(channel, await client.signed(channel)), headers: { 'content-type': type } },
      'unsupported_media_type',
    )
  })

  test('tells an unknown channel from an address that cannot be one', async () => {
    await expectProblem(client, post(UNKNOWN, await client.signed(UNKNOWN)), 'unknown_channel')
    await expectProblem(client, { method: 'POST', path: '/channel/short', body: '{}' }, 'malformed_request')
    await expectProblem(client, { method: 'POST', path: `/channel/${'A'.repeat(300)}`, body: '{}' }, 'malformed_request')
    await expectProblem(client, { method: 'POST', path: '/channel/%zz', body: '{}' }, 'malformed_request')
  })

  test('answers the same message again with 200, the same id and the first coordinate', async () => {
    const body = await client.signed(channel, { message: { again: true } })
    const first = await client.call(post(channel, body))
    const second = await client.call(post(channel, body))
    expect([first.response.status, second.response.status]).toEqual([201, 200])
    expect(second.json['id']).toBe(first.json['id'])
    const place = ({ json }: typeof first): unknown[] => {
      const { server, incarnation, n, acceptedAt } = json['receipt'] as Record<string, unknown>
      return [server, incarnation, n, acceptedAt]
    }
    expect(place(second)).toEqual(place(first))
  })

  test('takes names that JavaScript objects inherit, and keeps the signed bytes', async () => {
    const message = JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":2},"é":1e21,"toString":null}') as unknown
    const { status, id } = await publish(node.url, channel, { signer, message })
    expect(status).toBe(201)
    const { json } = await client.call({ path: `/channel/${channel}/messages?limit=1` })
    const [item] = json['items'] as Record<string, unknown>[]
    const { id: itemId, sig: _sig, cursor: _cursor, origin: _origin, ...unsigned } = item ?? {}
    expect(itemId).toBe(id)
    expect(hashId(canonicalJson(unsigned as never))).toBe(id)
  })

  test('of a name that is there twice the last one counts, and the signature has to match it', async () => {
    const body = await client.signed(channel, { message: 'last' })
    const text = JSON.stringify(body).replace('"message":"last"', '"message":"first","message":"last"')
    expect(await client.status({ method: 'POST', path: `/channel/${channel}`, body: text })).toBe(201)
    const swapped = JSON.stringify(body).replace('"message":"last"', '"message":"last","message":"first"')
    await expectProblem(client, { method: 'POST', path: `/channel/${channel}`, body: swapped }, 'invalid_signature')
  })
})

describe('PUT /channel/:id', () => {
  test('creates once; an identical genesis again answers 200', async () => {
    const { id, genesis: body } = await client.genesis({ name: 'table' })
    const first = await client.call(put(id, body))
    const second = await client.call(put(id, body))
    expect([first.response.status, second.response.status]).toEqual([201, 200])
    expect(first.json).toMatchObject({ id, genesis: body, messages: 0, expiresAt: body.createdAt + body.idleMs })
  })

  test('refuses what is not a genesis of this address', async () => {
    const { id, genesis: body } = await client.genesis()
    await expectProblem(client, put(UNKNOWN, body), 'genesis_mismatch')
    await expectProblem(client, put(id, {}), 'malformed_genesis')
    await expectProblem(client, put(id, { ...body, lifetimeMs: 1 }), 'malformed_genesis')
    await expectProblem(
      client,
      put(id, { ...body, sig: `${body.sig.slice(0, 10)}${body.sig.startsWith('A') ? 'B' : 'A'}${body.sig.slice(11)}` }),
      'invalid_signature',
    )
    const weak = { ...body, key: encodeBase64url(new Uint8Array(32)) }
    const { sig: _sig, ...unsigned } = weak
    await expectProblem(client, put(hashId(canonicalJson(unsigned)), weak), 'weak_key')
    await expectProblem(client, { method: 'PUT', path: `/channel/${id}`, body: '{' }, 'malformed_json')
    await expectProblem(client, { ...put(id, body), headers: { 'content-type': 'text/plain' } }, 'unsupported_media_type')
    await expectProblem(
      client,
      { method: 'PUT', path: `/channel/${id}`, body: JSON.stringify('x'.repeat(limits.bodyBytes)) },
      'body_too_large',
    )
  })

  test('refuses other neighborhoods, unsupported kinds and dates', async () => {
    const foreign = await client.genesis({ neighborhood: '2' })
    await expectProblem(client, put(foreign.id, foreign.genesis), 'wrong_neighborhood')
    const gate = { standard: 'erc20', contract: `0x${'12'.repeat(20)}`, min: '1', chainId: 1 } as const
    for (const fields of [{ mode: 'ordered' }, { access: 'token', gate }] as const) {
      const { id, genesis: body } = await client.genesis(fields)
      await expectProblem(client, put(id, body), 'channel_unsupported')
    }
    const future = await client.genesis({ createdAt: Date.now() + limits.clockSkewMs + 5_000 })
    await expectProblem(client, put(future.id, future.genesis), 'clock_skew')
    const past = await client.genesis({ createdAt: Date.now() - 10_000, idleMs: 5_000 })
    await expectProblem(client, put(past.id, past.genesis), 'channel_expired')
  })

  test('refuses a channel beyond the bounds of its neighborhood', async () => {
    const { parameters } = node.registry
    for (const [bound, fields] of [
      [{ maxChannelLifetimeMs: 86_400_000 }, { lifetimeMs: 86_400_001 }],
      [{ maxChannelIdleMs: 86_400_000 }, { idleMs: 86_400_001 }],
      [{ maxMessageBytes: 1_024 }, { limits: { messageBytes: 1_025 } }],
    ] as const) {
      node.registry.parameters = { ...parameters, ...bound }
      const { id, genesis: body } = await client.genesis(fields)
      await expectProblem(client, put(id, body), 'channel_unsupported')
      node.registry.parameters = parameters
      expect(await client.status(put(id, body))).toBe(201)
    }
  })
})
