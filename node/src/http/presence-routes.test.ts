import { limits, type Presence, type PresenceEvent, type Signer, type StreamEvent, signPresence } from '@dred/protocol'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Nodes } from '../testing/nodes.ts'
import { StreamReader } from '../testing/stream-client.ts'
import { problem } from '../testing/test-client.ts'
import { createChannel, testSigner } from '../testing/test-node.ts'

const UNKNOWN = 'A'.repeat(43)

const nodes = await Nodes.start(1)
let creator: Signer
let alice: Signer
let bob: Signer
let channel: string

afterAll(() => nodes.close())

beforeEach(async () => {
  ;[creator, alice, bob] = await Promise.all([testSigner(), testSigner(), testSigner()])
  channel = await createChannel(nodes.url(1), creator)
})

const putBody = (body: unknown, of = channel) => nodes.call(1, `/channel/${of}/presence`, { method: 'PUT', body })

let last = 0
/** Each later than the one before. */
const put = async (by: Signer, fields: Partial<Presence> = {}, of = channel) =>
  putBody(await signPresence(by, of, { sentAt: (last = Math.max(last + 1, Date.now())), ttlMs: 20_000, ...fields }), of)
const present = async () => {
  const { json } = await nodes.call(1, `/channel/${channel}/presence`)
  return json['items'] as Record<string, unknown>[]
}
const stream = (query = 'presence=true', of = channel) => StreamReader.open(`${nodes.url(1)}/channel/${of}/stream?${query}`)
const presenceOf = ({ events }: StreamReader) =>
  events.flatMap((event: StreamEvent) => (event.type === 'presence' ? [[event.key, event.state, event.data]] : []))

describe('presence', () => {
  it('is put, told, renewed and taken back', async () => {
    const { status, json } = await put(alice, { data: { seat: 3 } })
    expect([status, json]).toEqual([200, { expiresAt: last + 20_000 }])
    expect(await present()).toEqual([{ key: alice.key, data: { seat: 3 }, sentAt: last, expiresAt: last + 20_000 }])
    await put(bob)
    await put(alice, { data: { seat: 4 } })
    expect((await present()).map(({ key, data }) => [key, data])).toEqual([
      [alice.key, { seat: 4 }],
      [bob.key, undefined],
    ])
    expect((await put(alice, { gone: true })).status).toBe(200)
    expect((await present()).map(({ key }) => key)).toEqual([bob.key])
  })

  it('ends by itself', async () => {
    await put(alice, { ttlMs: 50 })
    await vi.waitFor(async () => expect(await present()).toEqual([]), 5_000)
  })

  it('that was taken back does not come back by an older lease', async () => {
    const older = await signPresence(alice, channel, { sentAt: Date.now() - 100, ttlMs: 30_000 })
    await putBody(older)
    expect(await present()).toHaveLength(1)
    await put(alice, { gone: true, ttlMs: 1_000 })
    expect((await putBody(older)).status).toBe(200)
    expect(await present()).toEqual([])
  })

  it('of a channel has room for so many', async () => {
    const devices = await Promise.all(Array.from({ length: limits.presences }, () => testSigner()))
    await Promise.all(devices.map((device) => put(device)))
    expect(await put(alice)).toEqual(problem(429, 'rate_limited'))
    const [first] = devices
    expect((await put(first ?? alice, { data: 'here still' })).status).toBe(200)
    expect(await present()).toHaveLength(limits.presences)
  })

  it('of a device is in so many channels at once', async () => {
    const channels = await Promise.all(Array.from({ length: limits.presencesOfOneDevice + 1 }, () => createChannel(nodes.url(1), creator)))
    for (const id of channels.slice(1)) expect((await put(bob, {}, id)).status).toBe(200)
    expect(await put(bob, {}, channels[0])).toEqual(problem(429, 'rate_limited'))
  })
})

describe('PUT /channel/:id/presence', () => {
  const lease = (fields: Partial<Presence> = {}, by = alice) => signPresence(by, channel, { sentAt: Date.now(), ttlMs: 20_000, ...fields })

  it.each<[string, () => Promise<unknown>]>([
    ['nothing', async () => ({})],
    ['an array', async () => []],
    ['a lease without an end', async () => ({ ...(await lease()), ttlMs: undefined })],
    ['a lease of nothing', async () => ({ ...(await lease()), ttlMs: 0 })],
    ['a lease that is too long', async () => ({ ...(await lease()), ttlMs: limits.presenceMs + 1 })],
    ['gone as a text', async () => ({ ...(await lease()), gone: 'yes' })],
    ['gone that is false', async () => ({ ...(await lease()), gone: false })],
    ['something unknown', async () => ({ ...(await lease()), mood: 1 })],
    ['a lease that is over', async () => lease({ sentAt: Date.now() - 20_001 })],
    ['data without a canonical form', async () => ({ ...(await lease()), data: '\ud800' })],
  ])('refuses %s', async (_, body) => {
    expect(await putBody(await body())).toEqual(problem(400, 'malformed_statement'))
    expect(await present()).toEqual([])
  })

  it('refuses what was signed otherwise', async () => {
    const signed = await lease({ data: 1 })
    expect(await putBody({ ...signed, data: 2 })).toEqual(problem(401, 'invalid_signature'))
    expect(await putBody({ ...signed, gone: true })).toEqual(problem(401, 'invalid_signature'))
    expect(await putBody({ ...signed, key: UNKNOWN })).toEqual(problem(400, 'weak_key'))
    const other = await createChannel(nodes.url(1), creator)
    expect(await putBody(signed, other)).toEqual(problem(401, 'invalid_signature'))
  })

  it('refuses too much data, by one byte', async () => {
    expect((await put(alice, { data: '€'.repeat(340) + 'xx' })).status).toBe(200)
    const large = { ...(await lease()), data: `${'€'.repeat(340)}xxx` }
    expect(await putBody(large)).toEqual(problem(413, 'body_too_large'))
  })

  it('refuses what is dated ahead', async () => {
    expect(await put(alice, { sentAt: Date.now() + 35_000 })).toEqual(problem(400, 'clock_skew'))
  })

  it('knows only its channels', async () => {
    expect(await put(alice, {}, UNKNOWN)).toEqual(problem(404, 'unknown_channel'))
    expect(await nodes.call(1, `/channel/${UNKNOWN}/presence`)).toEqual(problem(404, 'unknown_channel'))
    expect(await nodes.call(1, `/channel/${channel}/presence?x=1`)).toEqual(problem(400, 'malformed_request'))
  })

  it('asks for a capability where the channel has a token gate', async () => {
    const gate = { standard: 'erc20' as const, contract: `0x${'aa'.repeat(20)}`, min: '1', chainId: 31_337 }
    channel = await createChannel(nodes.url(1), creator, { access: 'token', gate })
    expect(await put(alice)).toEqual(problem(403, 'capability_needed'))
    const path = `/channel/${channel}/presence`
    expect(await nodes.call(1, path)).toEqual(problem(401, 'unauthorized'))
    expect(await nodes.call(1, path, { token: await nodes.token(1, alice) })).toEqual(problem(403, 'capability_needed'))
  })

  it('lets members alone into channels of members, to see and to be seen', async () => {
    channel = await createChannel(nodes.url(1), creator, { access: 'members' })
    expect(await put(alice)).toEqual(problem(403, 'not_a_member'))
    expect((await put(creator)).status).toBe(200)
    const path = `/channel/${channel}/presence`
    expect(await nodes.call(1, path)).toEqual(problem(401, 'unauthorized'))
    expect(await nodes.call(1, path, { token: await nodes.token(1, alice) })).toEqual(problem(403, 'not_a_member'))
    const { json } = await nodes.call(1, path, { token: await nodes.token(1, creator) })
    expect(json['items']).toMatchObject([{ key: creator.key }])
  })
})

describe('streams', () => {
  it('that ask for it tell who is present, right after the history, and then who comes and goes', async () => {
    await put(alice, { data: 1 })
    const [reader, other] = [await stream(), await stream('')]
    await vi.waitFor(() => expect(presenceOf(reader)).toEqual([[alice.key, 'enter', 1]]))
    const types = reader.events.map(({ type }) => type)
    expect(types).toEqual(['open', 'control', 'presence'])
    await put(bob, { ttlMs: 200 })
    await put(alice, { data: 1 })
    await put(alice, { data: 2 })
    await put(alice, { gone: true })
    await vi.waitFor(
      () =>
        expect(presenceOf(reader).slice(1)).toEqual([
          [bob.key, 'enter', undefined],
          [alice.key, 'update', 2],
          [alice.key, 'leave', 2],
          [bob.key, 'leave', undefined],
        ]),
      5_000,
    )
    const [first] = reader.events.filter((event): event is PresenceEvent => event.type === 'presence')
    expect(first).toMatchObject({ channel, expiresAt: expect.any(Number) as unknown })
    expect(other.events.map(({ type }) => type)).toEqual(['open', 'control'])
    reader.stop()
    other.stop()
  })

  it('of many channels tell it of each', async () => {
    const second = await createChannel(nodes.url(1), creator)
    await put(alice)
    const reader = await StreamReader.post(`${nodes.url(1)}/channels/stream`, {
      channels: { [channel]: null, [second]: null },
      presence: true,
    })
    await vi.waitFor(() => expect(presenceOf(reader)).toHaveLength(1))
    await put(bob, {}, second)
    await vi.waitFor(() => expect(reader.events.at(-1)).toMatchObject({ type: 'presence', channel: second, key: bob.key, state: 'enter' }))
    reader.stop()
  })

  it('do not take anything else for a wish', async () => {
    expect(await nodes.call(1, `/channel/${channel}/stream?presence=1`)).toEqual(problem(400, 'malformed_request'))
    const body = { channels: { [channel]: null }, presence: 'true' }
    expect(await nodes.call(1, '/channels/stream', { method: 'POST', body })).toEqual(problem(400, 'malformed_request'))
  })
})
