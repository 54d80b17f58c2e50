import { joinByLink, type Presence, type Signer, signMessage, signPresence } from '@dred/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Nodes } from '../testing/nodes.ts'
import { StreamReader } from '../testing/stream-client.ts'
import { createChannel, testSigner } from '../testing/test-node.ts'

const DAY_MS = 86_400_000
const patient = { timeout: 8_000, interval: 20 }

let nodes: Nodes
let creator: Signer
let alice: Signer
let bob: Signer
let channel: string
let last = 0
const next = () => (last = Math.max(last + 1, Date.now()))

async function start(count: number, fields: Parameters<typeof createChannel>[2] = {}): Promise<void> {
  nodes = await Nodes.start(count)
  channel = await createChannel(nodes.url(1), creator, fields)
  for (let id = 2; id <= count; id++)
    await vi.waitFor(async () => expect((await nodes.call(id, `/channel/${channel}`)).status).toBe(200), patient)
}

beforeEach(async () => {
  ;[creator, alice, bob] = await Promise.all([testSigner(), testSigner(), testSigner()])
})
afterEach(() => nodes.close())

const control = async (
  id: number,
  by: Signer,
  ...[name, body = {}]: [name: 'invite' | 'join' | 'approve' | 'leave' | 'remove', body?: object]
) => {
  const { status, json } = await nodes.control(id, channel, { by, name, body: body as never, sentAt: next() })
  return { status, code: json['code'], id: json['id'] as string }
}
const sameOnAll = (ids: number[], expected: Record<string, string>) =>
  vi.waitFor(async () => {
    for (const id of ids) expect(await nodes.members(id, channel, creator)).toEqual(expected)
  }, patient)
const publish = async (id: number, by: Signer) => {
  const { signed } = await signMessage(by, channel, { message: 'hello', sentAt: Date.now(), nonce: crypto.randomUUID() })
  return (await nodes.call(id, `/channel/${channel}`, { method: 'POST', body: signed })).status
}

describe('members of a channel', () => {
  it('are the same on three servers, wherever they were let in', async () => {
    await start(3, { access: 'members' })
    const link = await testSigner()
    const { id: invite } = await control(1, creator, 'invite', { link: link.key, uses: 5, expiresAt: Date.now() + DAY_MS })
    // The server that is asked to let somebody in may not have heard of the invitation yet.
    await vi.waitFor(async () => {
      expect((await control(2, alice, 'join', await joinByLink(link, { channel, invite, key: alice.key }))).status).toBe(201)
    }, patient)
    await sameOnAll([1, 2, 3], { [creator.key]: 'owner', [alice.key]: 'member' })
    expect(await publish(3, alice)).toBe(201)
    await control(3, bob, 'join')
    await sameOnAll([1, 2, 3], { [creator.key]: 'owner', [alice.key]: 'member', [bob.key]: 'pending' })
    expect([await publish(1, bob), await publish(2, bob)]).toEqual([403, 403])
    await control(1, creator, 'remove', { key: alice.key })
    await sameOnAll([1, 2, 3], { [creator.key]: 'owner', [alice.key]: 'removed', [bob.key]: 'pending' })
    expect(await publish(3, alice)).toBe(403)
  })

  it('are there after a restart, also when the channel is asked for by its members alone', async () => {
    await start(2, { access: 'members' })
    await control(1, creator, 'approve', { key: alice.key })
    await sameOnAll([1, 2], { [creator.key]: 'owner', [alice.key]: 'member' })
    await nodes.restart(2)
    expect(await nodes.members(2, channel, alice)).toEqual({ [creator.key]: 'owner', [alice.key]: 'member' })
    await control(1, creator, 'remove', { key: alice.key })
    await sameOnAll([2], { [creator.key]: 'owner', [alice.key]: 'removed' })
  })

  it('are the same again after a partition, whatever was decided on its sides', async () => {
    await start(3, { access: 'members' })
    const link = await testSigner()
    const { id: invite } = await control(1, creator, 'invite', { link: link.key, uses: 1, expiresAt: Date.now() + DAY_MS })
    await control(1, creator, 'approve', { key: bob.key })
    await sameOnAll([1, 2, 3], { [creator.key]: 'owner', [bob.key]: 'member' })
    nodes.part([1], [2, 3])
    const [first, second] = [await testSigner(), await testSigner()]
    // One use on each side: the earlier one holds, the other waits for an owner.
    expect((await control(1, first, 'join', await joinByLink(link, { channel, invite, key: first.key }))).status).toBe(201)
    expect((await control(2, second, 'join', await joinByLink(link, { channel, invite, key: second.key }))).status).toBe(201)
    // The other side does not hear of this.
    await control(1, creator, 'remove', { key: bob.key })
    await sameOnAll([1], { [creator.key]: 'owner', [first.key]: 'member', [bob.key]: 'removed' })
    await sameOnAll([2, 3], { [creator.key]: 'owner', [second.key]: 'member', [bob.key]: 'member' })
    nodes.join()
    await sameOnAll([1, 2, 3], { [creator.key]: 'owner', [first.key]: 'member', [second.key]: 'pending', [bob.key]: 'removed' })
    expect([await publish(3, first), await publish(1, second), await publish(2, bob)]).toEqual([201, 403, 403])
  })

  it('stay when all else of the channel has expired', async () => {
    await start(2, { access: 'members', lifetimeMs: 1_000 })
    await control(1, creator, 'approve', { key: alice.key })
    expect(await publish(1, creator)).toBe(201)
    await sameOnAll([2], { [creator.key]: 'owner', [alice.key]: 'member' })
    for (const id of [1, 2]) {
      await vi.waitFor(async () => {
        await nodes.store(id).purge(Date.now())
        expect((await nodes.store(id).channel(channel))?.messages).toBe(1)
      }, patient)
      const [kept] = await nodes.store(id).controls(channel, { limit: 10 })
      expect(kept?.entry.expiresAt).toBe(Number.MAX_SAFE_INTEGER)
    }
    await nodes.restart(2)
    expect(await nodes.members(2, channel, alice)).toEqual({ [creator.key]: 'owner', [alice.key]: 'member' })
  })
})

describe('presence', () => {
  const put = async (id: number, by: Signer, fields: Partial<Presence> = {}) =>
    nodes.call(id, `/channel/${channel}/presence`, {
      method: 'PUT',
      body: await signPresence(by, channel, { sentAt: next(), ttlMs: 20_000, ...fields }),
    })
  const present = async (id: number, token?: string) => {
    const { json } = await nodes.call(id, `/channel/${channel}/presence`, token === undefined ? {} : { token })
    return (json['items'] as { key: string }[]).map(({ key }) => key)
  }
  const follow = (id: number) => StreamReader.open(`${nodes.url(id)}/channel/${channel}/stream?presence=true`)
  const told = ({ events }: StreamReader) => events.flatMap((event) => (event.type === 'presence' ? [[event.key, event.state]] : []))

  it('is told on all servers: who comes, changes, goes and falls silent', async () => {
    await start(3)
    const readers = await Promise.all([1, 2, 3].map(follow))
    await put(1, alice)
    await put(2, bob, { ttlMs: 1_500 })
    for (const reader of readers) await vi.waitFor(() => expect(told(reader)).toHaveLength(2), patient)
    await put(3, alice, { data: 'changed' })
    await vi.waitFor(() => {
      for (const reader of readers) expect(told(reader)).toContainEqual([alice.key, 'update'])
    }, patient)
    await put(1, alice, { gone: true })
    await vi.waitFor(async () => expect([await present(1), await present(2), await present(3)]).toEqual([[], [], []]), patient)
    for (const reader of readers) {
      await vi.waitFor(() => expect(told(reader).filter(([, state]) => state === 'leave')).toHaveLength(2), patient)
      reader.stop()
    }
  })

  it('is known to a server that comes back, and to both sides after a partition', async () => {
    await start(2)
    await put(1, alice)
    await vi.waitFor(async () => expect(await present(2)).toEqual([alice.key]), patient)
    await nodes.restart(2)
    await vi.waitFor(async () => expect(await present(2)).toEqual([alice.key]), patient)
    nodes.part([1], [2])
    await put(2, bob)
    await put(1, alice, { gone: true })
    expect([await present(1), (await present(2)).toSorted()]).toEqual([[], [alice.key, bob.key].toSorted()])
    nodes.join()
    await vi.waitFor(async () => expect([await present(1), await present(2)]).toEqual([[bob.key], [bob.key]]), patient)
  })

  it('in a channel of members is that of members on every server', async () => {
    await start(2, { access: 'members' })
    await control(1, creator, 'approve', { key: alice.key })
    // This one may know of the member later than of the lease.
    expect((await put(1, alice)).status).toBe(200)
    const token = await nodes.token(2, creator)
    await vi.waitFor(async () => expect(await present(2, token)).toEqual([alice.key]), patient)
    expect((await put(2, bob)).status).toBe(403)
  })
})
