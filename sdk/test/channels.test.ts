import { generateDeviceKey, webCryptoSigner } from '@dred/protocol'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Cluster } from './cluster.ts'
import { range } from './collect.ts'

let cluster: Cluster

afterEach(() => cluster.stop())

describe('channels', () => {
  it('creates a channel where a server is up, and says where', async () => {
    cluster = await Cluster.start({ relays: 3, linked: false })
    await cluster.relay(2).kill()
    const client = cluster.client()
    const channel = await client.channels.create({ name: 'table', lifetimeMs: 60_000 })
    expect(channel.storedBy.map(({ id }) => id)).toEqual([1, 3])
    expect(channel.genesis).toMatchObject({ neighborhood: '7', name: 'table', lifetimeMs: 60_000, key: await client.sender() })
    expect(client.errors.map(({ code }) => code)).toEqual(['network'])
  })

  it('rejects a genesis out of bounds without asking a server', async () => {
    cluster = await Cluster.start({ relays: 1 })
    await expect(cluster.client().channels.create({ lifetimeMs: 1 })).rejects.toMatchObject({ code: 'malformed_genesis' })
    expect(cluster.relay(1).requests).toEqual([])
  })

  it('gets a channel from whichever server knows it, and checks the genesis against the id', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create({ name: 'table' })
    cluster.relay(1).channels.forget(channel.id)
    expect((await cluster.client().channels.join(channel.id)).name).toBe('table')
    const before = cluster.relay(2).requests.length
    const known = await cluster.client().channels.get(channel.id, { genesis: channel.genesis })
    expect(known.id).toBe(channel.id)
    expect(cluster.relay(2).requests).toHaveLength(before)
    const forged = { ...channel.genesis, name: 'other' }
    await expect(cluster.client().channels.get(channel.id, { genesis: forged })).rejects.toMatchObject({ code: 'genesis_mismatch' })
    const elsewhere = cluster.client({ neighborhood: '8' })
    await expect(elsewhere.channels.get(channel.id, { genesis: channel.genesis })).rejects.toMatchObject({ code: 'wrong_neighborhood' })
  })

  it('distrusts a server that shows another genesis', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const client = cluster.client()
    const channel = await client.channels.create({ name: 'right' })
    const other = await client.channels.create({ name: 'other' })
    cluster.relay(1).channels.forget(channel.id)
    cluster.relay(1).channels.adopt(channel.id, other.genesis)
    expect((await cluster.client().channels.get(channel.id)).name).toBe('right')
  })

  it('says that nobody knows a channel, once each server has said so twice, whenever that is', async () => {
    cluster = await Cluster.start({ relays: 2 })
    await expect(cluster.client().channels.get('A'.repeat(43))).rejects.toMatchObject({ code: 'unknown_channel' })
    for (const relay of cluster.relays) expect(relay.requestsTo('GET /channel/')).toBeGreaterThan(1)
    // One server waits for long between its attempts, the other for short: they never stand in one round.
    let drawn = 0
    const client = cluster.client({ random: () => (drawn++ % 2 === 0 ? 0.05 : 0.9), timing: { backoffBaseMs: 300, backoffCapMs: 300 } })
    await expect(client.channels.get('A'.repeat(43))).rejects.toMatchObject({ code: 'unknown_channel' })
  })

  it('says of which kind the trouble is when a server shows the genesis of another neighborhood', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const elsewhere = await cluster.client().channels.create({ name: 'elsewhere' })
    for (const relay of cluster.relays) relay.neighborhoods = ['8']
    const client = cluster.client({ neighborhood: '8', discovery: [cluster.relay(1).endpoint] })
    await expect(client.channels.get(elsewhere.id)).rejects.toMatchObject({ code: 'wrong_neighborhood' })
    expect(await client.channels.list()).toEqual({ items: [], next: null })
    expect(client.errors.map(({ code }) => code)).toEqual(['wrong_neighborhood'])
  })

  it('says so when nothing can be verified in this environment', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const writer = await cluster.client().channels.create<number>()
    await writer.publish(1)
    const channel = await cluster.client().channels.get<number>(writer.id)
    const importKey = vi.spyOn(crypto.subtle, 'importKey').mockRejectedValue(new DOMException('Unrecognized name', 'NotSupportedError'))
    try {
      const unsupported = { code: 'unsupported_environment', retryable: false }
      const client = cluster.client()
      await expect(client.channels.get(writer.id)).rejects.toMatchObject(unsupported)
      await expect(client.channels.list()).rejects.toMatchObject(unsupported)
      await expect(channel.history()).rejects.toMatchObject(unsupported)
      const subscription = channel.subscribe({ from: 'start' })
      await expect(subscription.next()).rejects.toMatchObject(unsupported)
      expect(subscription.state).toBe('failed')
    } finally {
      importKey.mockRestore()
    }
  })

  it('lists channels and leaves out what does not verify', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const client = cluster.client()
    const first = await client.channels.create({ name: 'first' })
    const second = await client.channels.create({ name: 'second' })
    cluster.relay(1).channels.forget(second.id)
    cluster.relay(1).channels.adopt(second.id, first.genesis)
    const { items, next } = await client.channels.list()
    expect(items.map(({ id, name, messages }) => ({ id, name, messages }))).toEqual([{ id: first.id, name: 'first', messages: 0 }])
    expect(next).toBeNull()
    expect(client.errors.map(({ code }) => code)).toEqual(['genesis_mismatch'])
  })
})

describe('history', () => {
  it('pages back from the newest and forward from a cursor', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    for (const n of range(1, 7)) await channel.publish(n)
    const newest = await channel.history({ limit: 3 })
    expect(newest.items.map(({ data }) => data)).toEqual([5, 6, 7])
    const middle = await newest.nextPage()
    expect(middle?.items.map(({ data }) => data)).toEqual([2, 3, 4])
    const oldest = await middle?.nextPage()
    expect(oldest?.items.map(({ data }) => data)).toEqual([1])
    expect(await oldest?.nextPage()).toBeUndefined()
    const forward = await channel.history({ after: oldest?.items[0]?.cursor ?? '', limit: 4 })
    expect(forward.items.map(({ data }) => data)).toEqual([2, 3, 4, 5])
    expect((await forward.nextPage())?.items.map(({ data }) => data)).toEqual([6, 7])
  })

  it('leaves out what does not verify, and says where history begins when a cursor is too old', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const client = cluster.client()
    const channel = await client.channels.create<number>()
    for (const n of range(1, 3)) await channel.publish(n)
    const [first] = (await channel.history()).items
    cluster.relay(1).channels.purge(channel.id, 2)
    const error = await channel.history({ after: first?.cursor ?? '' }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'cursor_expired', oldest: expect.any(String) as string })
    const { oldest } = error as { oldest: string }
    expect((await channel.history({ after: oldest })).items.map(({ data }) => data)).toEqual([3])
    await expect(channel.history({ after: oldest, before: oldest })).rejects.toMatchObject({ code: 'malformed_request' })
    await expect(channel.history({ limit: 0 })).rejects.toMatchObject({ code: 'malformed_request' })
  })
})

describe('identity', () => {
  it('is one key for each client and its storage, or the one that is given', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const pair = await generateDeviceKey({ extractable: false })
    const signer = await webCryptoSigner(pair)
    const [a, b] = [cluster.client(), cluster.client()]
    const given = cluster.client({ deviceKey: pair })
    expect(await a.sender()).toBe(await a.sender())
    expect(await a.sender()).not.toBe(await b.sender())
    expect(await given.sender()).toBe(signer.key)
    expect(await cluster.client({ signer }).sender()).toBe(signer.key)
  })
})
