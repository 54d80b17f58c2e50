import { type Control, joinByLink, limits, type Signer, signMessage } from '@dred/protocol'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Nodes } from '../testing/nodes.ts'
import { StreamReader } from '../testing/stream-client.ts'
import { problem } from '../testing/test-client.ts'
import { createChannel, testSigner } from '../testing/test-node.ts'

const DAY_MS = 86_400_000
const UNKNOWN = 'A'.repeat(43)

const nodes = await Nodes.start(1, { keepaliveMs: 100 })
let creator: Signer
let alice: Signer
let bob: Signer
let channel: string

afterAll(() => nodes.close())

beforeEach(async () => {
  ;[creator, alice, bob] = await Promise.all([testSigner(), testSigner(), testSigner()])
  channel = await createChannel(nodes.url(1), creator, { access: 'members' })
})

const control = (by: Signer, name: Control['control'], ...[body = {}, sentAt = Date.now()]: [body?: Control['body'], sentAt?: number]) =>
  nodes.control(1, channel, { by, name, body, sentAt })

/** Dated after all that is known, as clients are to. */
let last = 0
const next = () => (last = Math.max(last + 1, Date.now()))
const done = async (by: Signer, name: Control['control'], body: Control['body'] = {}): Promise<string> => {
  const { status, json } = await control(by, name, body, next())
  expect([status, json['code']]).toEqual([201, undefined])
  return json['id'] as string
}

const publish = async (by: Signer, message: unknown = 'hello') => {
  const { signed } = await signMessage(by, channel, { message, sentAt: Date.now(), nonce: crypto.randomUUID() })
  return nodes.call(1, `/channel/${channel}`, { method: 'POST', body: signed })
}
const read = async (by?: Signer) => {
  const { status, json } = await nodes.call(1, `/channel/${channel}/messages`, by === undefined ? {} : { token: await nodes.token(1, by) })
  return { status, json }
}

describe('a channel of members', () => {
  it('is made, described to whoever knows it, and not listed', async () => {
    expect(await nodes.call(1, `/channel/${channel}`)).toMatchObject({ status: 200, json: { id: channel, genesis: { access: 'members' } } })
    const { json } = await nodes.call(1, '/channels?limit=500')
    expect(json['items']).not.toContainEqual(expect.objectContaining({ id: channel }))
  })

  it('is written by its members alone', async () => {
    expect((await publish(creator)).status).toBe(201)
    expect(await publish(alice)).toEqual(problem(403, 'not_a_member'))
    await done(creator, 'approve', { key: alice.key })
    expect((await publish(alice)).status).toBe(201)
    await done(creator, 'remove', { key: alice.key })
    expect(await publish(alice)).toEqual(problem(403, 'not_a_member'))
  })

  it('is read by its members alone, who prove it by a token', async () => {
    await publish(creator)
    expect(await read()).toEqual(problem(401, 'unauthorized'))
    expect(await read(alice)).toEqual(problem(403, 'not_a_member'))
    expect(await read(creator)).toMatchObject({ status: 200 })
    await done(creator, 'approve', { key: alice.key })
    const { json } = await read(alice)
    expect(json['items']).toMatchObject([{ message: 'hello' }, { control: 'approve', message: { key: alice.key }, key: creator.key }])
    expect(await nodes.call(1, `/channel/${channel}/stream`)).toEqual(problem(401, 'unauthorized'))
  })

  it('ends the streams of who is removed', async () => {
    await done(creator, 'approve', { key: alice.key })
    const stream = await StreamReader.open(`${nodes.url(1)}/channel/${channel}/stream`, {
      authorization: `Bearer ${await nodes.token(1, alice)}`,
    })
    await done(creator, 'remove', { key: alice.key })
    await stream.ended
    expect(stream.events.at(-1)).toMatchObject({ type: 'error', code: 'not_a_member' })
  })
})

describe('who belongs to a channel', () => {
  it('is told to those who may read it', async () => {
    await done(creator, 'approve', { key: alice.key })
    await done(bob, 'join')
    expect(await nodes.members(1, channel, alice)).toEqual({ [creator.key]: 'owner', [alice.key]: 'member', [bob.key]: 'pending' })
    const path = `/channel/${channel}/members`
    expect(await nodes.call(1, path)).toEqual(problem(401, 'unauthorized'))
    expect(await nodes.call(1, path, { token: await nodes.token(1, bob) })).toEqual(problem(403, 'not_a_member'))
    expect(await nodes.call(1, `/channel/${UNKNOWN}/members`)).toEqual(problem(404, 'unknown_channel'))
    expect(await nodes.call(1, `${path}?x=1`)).toEqual(problem(400, 'malformed_request'))
    const { json } = await nodes.call(1, path, { token: await nodes.token(1, alice) })
    expect(json['latestAt']).toBe(last)
  })

  it('of an open channel is its creator', async () => {
    channel = await createChannel(nodes.url(1), creator)
    expect((await nodes.call(1, `/channel/${channel}/members`)).json).toEqual({
      items: [{ key: creator.key, role: 'owner', since: 0 }],
      latestAt: 0,
    })
  })

  it('goes by invitations, requests, approvals, leaving and removing', async () => {
    const link = await testSigner()
    const invite = await done(creator, 'invite', { link: link.key, uses: 1, expiresAt: Date.now() + DAY_MS })
    await done(alice, 'join', await joinByLink(link, { channel, invite, key: alice.key }))
    const named = await done(creator, 'invite', { key: bob.key, expiresAt: Date.now() + DAY_MS })
    await done(bob, 'join', { invite: named })
    expect(await nodes.members(1, channel, bob)).toEqual({ [creator.key]: 'owner', [alice.key]: 'member', [bob.key]: 'member' })
    await done(creator, 'approve', { key: alice.key, role: 'owner' })
    await done(alice, 'remove', { key: bob.key })
    await done(alice, 'leave')
    expect(await nodes.members(1, channel, creator)).toEqual({ [creator.key]: 'owner', [bob.key]: 'removed' })
    await done(creator, 'approve', { key: bob.key })
    expect(await nodes.members(1, channel, bob)).toEqual({ [creator.key]: 'owner', [bob.key]: 'member' })
  })

  it('changes once by one message, however often it comes', async () => {
    const { signed } = await signMessage(bob, channel, { message: {}, sentAt: Date.now(), control: 'join' })
    const post = () => nodes.call(1, `/channel/${channel}/join`, { method: 'POST', body: signed })
    const [first, second] = [await post(), await post()]
    expect([first.status, second.status, second.json['id']]).toEqual([201, 200, first.json['id']])
    expect(second.json['receipt']).toBeDefined()
    await done(creator, 'approve', { key: bob.key })
    expect((await post()).status).toBe(200)
  })

  it('waits for other servers as a message does', async () => {
    const { signed } = await signMessage(bob, channel, { message: {}, sentAt: Date.now(), control: 'join' })
    const path = `/channel/${channel}/join?stored=all&waitMs=1`
    expect(await nodes.call(1, path, { method: 'POST', body: signed })).toMatchObject({ status: 201, json: { receipt: { stored: 1 } } })
    expect(await nodes.call(1, `/channel/${channel}/join?stored=many`, { method: 'POST', body: signed })).toEqual(
      problem(400, 'malformed_request'),
    )
  })
})

describe.each(['invite', 'join', 'approve', 'leave', 'remove'] as const)('POST /channel/:id/%s', (name) => {
  const bodies: Record<Control['control'], Control['body']> = {
    invite: { key: UNKNOWN, expiresAt: Date.now() + DAY_MS },
    join: {},
    approve: { key: UNKNOWN },
    leave: {},
    remove: { key: UNKNOWN },
  }
  const post = async (fields: object, { by = creator, to = channel } = {}) => {
    const { signed } = await signMessage(by, to, { message: bodies[name], control: name, sentAt: Date.now(), ...fields })
    return nodes.call(1, `/channel/${to}/${name}`, { method: 'POST', body: signed })
  }

  it('refuses what is no message', async () => {
    expect(await nodes.call(1, `/channel/${channel}/${name}`, { method: 'POST', body: {} })).toEqual(problem(400, 'malformed_message'))
    expect(await nodes.call(1, `/channel/${channel}/${name}`)).toEqual(problem(405, 'method_not_allowed'))
  })

  it('refuses what is no such statement', async () => {
    expect(await post({ message: { nonsense: 1 } })).toEqual(problem(400, 'malformed_statement'))
    expect(await post({ control: undefined })).toEqual(problem(400, 'malformed_statement'))
    const other = name === 'leave' ? 'join' : 'leave'
    expect(await post({ control: other, message: {} })).toEqual(problem(400, 'malformed_statement'))
  })

  it('refuses a signature of something else', async () => {
    const { signed } = await signMessage(creator, channel, { message: bodies[name], control: name, sentAt: Date.now() })
    const path = `/channel/${channel}/${name}`
    expect(await nodes.call(1, path, { method: 'POST', body: { ...signed, sentAt: 1 } })).toEqual(problem(401, 'invalid_signature'))
    expect(await nodes.call(1, path, { method: 'POST', body: { ...signed, key: 'A'.repeat(43) } })).toEqual(problem(400, 'weak_key'))
  })

  it('refuses what is dated ahead', async () => {
    expect(await post({ sentAt: Date.now() + limits.clockSkewMs + 5_000 })).toEqual(problem(400, 'clock_skew'))
  })

  it('refuses what is too large', async () => {
    const small = await createChannel(nodes.url(1), creator, { access: 'members', limits: { messageBytes: 100 } })
    expect(await post({}, { to: small })).toEqual(problem(413, 'body_too_large'))
  })

  it('knows only its channels, and only those that have members', async () => {
    expect(await post({}, { to: UNKNOWN })).toEqual(problem(404, 'unknown_channel'))
    const open = await createChannel(nodes.url(1), creator)
    expect(await post({}, { to: open })).toEqual(problem(400, 'channel_unsupported'))
  })

  it('is not what messages are posted to', async () => {
    const { signed } = await signMessage(creator, channel, { message: bodies[name], control: name, sentAt: Date.now() })
    expect(await nodes.call(1, `/channel/${channel}`, { method: 'POST', body: signed })).toEqual(problem(400, 'malformed_message'))
  })
})

describe('what nobody may do', () => {
  const invitation = async (fields: object = {}): Promise<{ link: Signer; invite: string }> => {
    const link = await testSigner()
    return { link, invite: await done(creator, 'invite', { link: link.key, uses: 1, expiresAt: Date.now() + DAY_MS, ...fields }) }
  }

  it.each(['invite', 'approve', 'remove'] as const)('is to %s without being an owner', async (name) => {
    await done(creator, 'approve', { key: alice.key })
    const body = name === 'invite' ? { key: bob.key, expiresAt: Date.now() + DAY_MS } : { key: bob.key }
    for (const by of [alice, bob]) expect(await control(by, name, body, next())).toEqual(problem(403, 'not_an_owner'))
  })

  it('is to make owners, or remove them, but for the creator', async () => {
    await done(creator, 'approve', { key: alice.key, role: 'owner' })
    await done(creator, 'approve', { key: bob.key, role: 'owner' })
    expect(await control(alice, 'remove', { key: bob.key }, next())).toEqual(problem(403, 'not_an_owner'))
    expect(await control(alice, 'approve', { key: bob.key }, next())).toEqual(problem(403, 'not_an_owner'))
    expect(await control(alice, 'approve', { key: UNKNOWN, role: 'owner' }, next())).toEqual(problem(403, 'not_an_owner'))
    expect(await control(alice, 'remove', { key: creator.key }, next())).toEqual(problem(403, 'not_an_owner'))
    expect(await control(creator, 'leave', {}, next())).toEqual(problem(400, 'malformed_statement'))
    await done(creator, 'remove', { key: bob.key })
  })

  it('is to join by an invitation that does not hold', async () => {
    const { link, invite } = await invitation()
    const body = await joinByLink(link, { channel, invite, key: alice.key })
    const stranger = await joinByLink(await testSigner(), { channel, invite, key: alice.key })
    for (const wrong of [stranger, { invite }, { invite: UNKNOWN }]) {
      expect(await control(alice, 'join', wrong, next())).toEqual(problem(403, 'invalid_invitation'))
    }
    // Of another key.
    expect(await control(bob, 'join', body, next())).toEqual(problem(401, 'invalid_signature'))
    await done(alice, 'join', body)
    const used = await joinByLink(link, { channel, invite, key: bob.key })
    expect(await control(bob, 'join', used, next())).toEqual(problem(403, 'invalid_invitation'))
    const cancelled = await invitation()
    await done(creator, 'remove', { invite: cancelled.invite })
    const late = await joinByLink(cancelled.link, { channel, invite: cancelled.invite, key: bob.key })
    expect(await control(bob, 'join', late, next())).toEqual(problem(403, 'invalid_invitation'))
    expect(await control(creator, 'remove', { invite: cancelled.invite }, next())).toEqual(problem(403, 'invalid_invitation'))
  })

  it('is to join after the end of an invitation, also with an earlier date', async () => {
    const expiresAt = Date.now() + 100
    const { link, invite } = await invitation({ expiresAt })
    const body = await joinByLink(link, { channel, invite, key: alice.key })
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(expiresAt))
    expect(await control(alice, 'join', body, expiresAt - 1)).toEqual(problem(403, 'invalid_invitation'))
    expect(await nodes.members(1, channel, creator)).toEqual({ [creator.key]: 'owner' })
  })

  it('is to come back after a removal', async () => {
    const { link, invite } = await invitation({ uses: 5 })
    await done(creator, 'remove', { key: alice.key })
    const body = await joinByLink(link, { channel, invite, key: alice.key })
    for (const sentAt of [next(), 1_000])
      expect(await control(alice, 'join', body, sentAt)).toMatchObject({ status: sentAt === 1_000 ? 400 : 403 })
    expect(await control(alice, 'join', body, next())).toEqual(problem(403, 'not_a_member'))
    expect(await control(alice, 'join', {}, next())).toEqual(problem(403, 'not_a_member'))
    expect(await control(alice, 'leave', {}, next())).toEqual(problem(403, 'not_a_member'))
  })

  it('is to say what changes nothing', async () => {
    expect(await control(bob, 'leave', {}, next())).toEqual(problem(403, 'not_a_member'))
    await done(bob, 'join')
    expect(await control(bob, 'join', {}, next())).toEqual(problem(400, 'malformed_statement'))
    await done(creator, 'approve', { key: bob.key })
    expect(await control(creator, 'approve', { key: bob.key }, next())).toEqual(problem(400, 'malformed_statement'))
    expect(await control(bob, 'join', {}, next())).toEqual(problem(400, 'malformed_statement'))
  })

  it('is to decide before what was decided: the answer says after what', async () => {
    await done(creator, 'approve', { key: alice.key, role: 'owner' })
    const { status, json } = await control(alice, 'approve', { key: bob.key }, last - 1_000)
    expect([status, json['code'], json['detail']]).toEqual([
      400,
      'malformed_statement',
      `It is dated before what it follows: date it after ${last}`,
    ])
    await done(creator, 'approve', { key: bob.key })
    const early = await control(creator, 'remove', { key: bob.key }, last - 1_000)
    expect(early).toEqual(problem(400, 'malformed_statement'))
    expect((await control(alice, 'remove', { key: bob.key }, last + 1)).status).toBe(201)
  })

  it('is to fill a channel with requests', async () => {
    const waiting = await Promise.all(Array.from({ length: limits.joinRequests }, () => testSigner()))
    for (const by of waiting) expect((await control(by, 'join')).status).toBe(201)
    expect(await control(bob, 'join')).toEqual(problem(429, 'rate_limited'))
    // Who has an invitation needs no owner.
    await done(creator, 'invite', { key: bob.key, expiresAt: Date.now() + DAY_MS }).then((invite) => done(bob, 'join', { invite }))
  })
})
