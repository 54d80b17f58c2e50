import { generateDeviceKey, webCryptoSigner } from '@dred/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { createDredClient, memoryStorage } from '../src/index.ts'
import { Cluster, DiscoveryService } from './cluster.ts'
import { reached } from './collect.ts'

let cluster: Cluster

afterEach(() => cluster.stop())

describe('discovery', () => {
  it('does nothing before it is needed', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const client = cluster.client({ fetch: () => Promise.reject(new Error('input or output')) })
    expect(client.state).toBe('idle')
    expect(() => createDredClient({ neighborhood: 'seven', discovery: [cluster.discovery.url] })).toThrow(
      expect.objectContaining({ code: 'malformed_request' }),
    )
    expect(() => createDredClient({ neighborhood: '7', discovery: [] })).toThrow(expect.objectContaining({ code: 'malformed_request' }))
  })

  it('asks the services in turn and reads every page', async () => {
    cluster = await Cluster.start({ relays: 3 })
    cluster.discovery.pageSize = 1
    const down = new DiscoveryService()
    await down.start()
    await down.stop()
    const client = cluster.client({ discovery: [down.url, cluster.discovery.url] })
    const channel = await client.channels.create()
    expect(channel.storedBy).toHaveLength(3)
    expect(cluster.discovery.answered).toEqual([200, 200, 200])
  })

  it('asks the services of the deployment unless others are given', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const options = { neighborhood: '7', storage: memoryStorage(), deployment: { chainId: 31_337, discovery: [cluster.discovery.url] } }
    const client = createDredClient(options)
    expect(await client.channels.list()).toMatchObject({ items: [] })
    expect(cluster.discovery.answered).toEqual([200])
    client.close()

    const given = createDredClient({ ...options, discovery: [cluster.relay(1).endpoint] })
    expect(await given.channels.list()).toMatchObject({ items: [] })
    expect(cluster.discovery.answered).toEqual([200])
    given.close()
    for (const deployment of [{}, { discovery: [] }]) {
      expect(() => createDredClient({ neighborhood: '7', deployment })).toThrow(expect.objectContaining({ code: 'malformed_request' }))
    }
  })

  it('asks for a change only, once the list is stale and a server is missing', async () => {
    cluster = await Cluster.start({ relays: 2 })
    let now = Date.now()
    const clock = {
      now: () => now,
      setTimeout: (callback: () => void, ms: number): unknown => setTimeout(callback, ms),
      clearTimeout: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout),
    }
    const client = cluster.client({ clock, servers: { min: 1, max: 1 } })
    const channel = await client.channels.create()
    await channel.publish(1)
    expect(cluster.discovery.answered).toEqual([200])
    now += 31_000
    const subscription = channel.subscribe()
    await reached(subscription, 'connected')
    await expect.poll(() => cluster.discovery.answered).toEqual([200, 304])
  })

  it('takes the list from a relay server when no service answers: one it knew, or one that it was given', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const storage = memoryStorage()
    const channel = await cluster.client({ storage }).channels.create()
    await cluster.discovery.stop()
    const later = cluster.client({ storage })
    expect((await later.channels.get(channel.id)).id).toBe(channel.id)
    expect(cluster.relay(1).requestsTo('/.well-known/dred')).toBe(1)
    const given = cluster.client({ discovery: [cluster.relay(2).endpoint] })
    expect((await given.channels.get(channel.id)).id).toBe(channel.id)
    expect(cluster.relay(2).requestsTo('/.well-known/dred')).toBe(1)
  })

  it('leaves out entries at which no server can be', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const { port } = new URL(cluster.relay(1).endpoint)
    const wrong = ['ftp://127.0.0.1', 'javascript:alert(1)', '/', '', `http://user@127.0.0.1:${port}`, `http://127.0.0.1:${port}/?to=`]
    const hash = `http://127.0.0.1:${port}/#`
    cluster.discovery.servers.unshift(...[...wrong, hash].map((endpoint, i) => ({ id: 100 + i, endpoint })))
    const client = cluster.client()
    const channel = await client.channels.create()
    expect(channel.storedBy).toEqual([{ id: 1, endpoint: cluster.relay(1).endpoint }])
    expect(client.errors).toEqual([])
    for (const url of wrong) {
      expect(() => createDredClient({ neighborhood: '7', discovery: [url] })).toThrow(
        expect.objectContaining({ code: 'malformed_request' }),
      )
    }
  })

  it('knows as many servers as a neighborhood can have, however many it is told', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const storage = memoryStorage()
    const [server] = cluster.discovery.servers
    const invented = Array.from({ length: 1_000 }, (_, i) => ({ id: 100 + i, endpoint: 'http://127.0.0.1:1' }))
    cluster.discovery.servers = [...(server ? [server] : []), ...invented]
    cluster.discovery.pageSize = 2_000
    await cluster.client({ storage }).channels.create()
    expect(await storage.get('dred:servers:7')).toHaveLength(64)
  })

  it('does not wait for a storage that hangs', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const signer = await webCryptoSigner(await generateDeviceKey({ extractable: false }))
    const storage = { ...memoryStorage(), set: () => new Promise<void>(() => undefined) }
    expect((await cluster.client({ signer, storage }).channels.create()).storedBy).toHaveLength(1)
  })

  it('goes on asking while nobody answers, and works when the service comes up', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create()
    await cluster.discovery.stop()
    const client = cluster.client()
    const late = await client.channels.get(channel.id, { genesis: channel.genesis })
    const subscription = late.subscribe()
    await expect.poll(() => client.errors.map(({ code }) => code)).toContain('discovery_unreachable')
    expect(subscription.state).toBe('connecting')
    expect(client.state).toBe('connecting')
    await cluster.discovery.start()
    await reached(subscription, 'connected')
  })

  it('says at the deadline that discovery is unreachable, or that there is no server', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create()
    cluster.discovery.servers = []
    const timing = { requestDeadlineMs: 200 }
    await expect(cluster.client({ timing }).channels.get(channel.id)).rejects.toMatchObject({ code: 'no_servers', retryable: true })
    await cluster.discovery.stop()
    await expect(cluster.client({ timing }).channels.get(channel.id)).rejects.toMatchObject({ code: 'discovery_unreachable' })
  })

  it('fails when the servers speak another version', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create()
    cluster.relay(1).versions = [2]
    const client = cluster.client({ discovery: [cluster.relay(1).endpoint] })
    const subscription = (await client.channels.get(channel.id, { genesis: channel.genesis })).subscribe()
    await expect(subscription.opened()).rejects.toMatchObject({ code: 'version_mismatch' })
    expect(client.state).toBe('failed')
  })
})
