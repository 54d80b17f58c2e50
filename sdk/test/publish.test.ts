import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Cluster } from './cluster.ts'
import { range, take } from './collect.ts'

let cluster: Cluster

afterEach(async () => {
  vi.unstubAllGlobals()
  await cluster.stop()
})

describe('publish', () => {
  it('gives the same message to the next server when the first dies between storing and answering', async () => {
    // Unlinked: each server stores the message as if the other had never had it.
    cluster = await Cluster.start({ relays: 2, linked: false })
    const channel = await cluster.client().channels.create<string>()
    const subscription = channel.subscribe({ from: 'start' })
    cluster.relay(1).faults = { cutAnswers: 1 }
    const { id, server, receipt } = await channel.publish('once')
    expect(server.id).toBe(2)
    expect(receipt).toMatchObject({ server: 2, n: 1 })
    expect(cluster.relay(1).channels.messages(channel.id)).toEqual([id])
    expect(cluster.relay(2).channels.messages(channel.id)).toEqual([id])
    await channel.publish('twice')
    expect(await take(subscription, 2)).toEqual(['once', 'twice'])
  })

  it('is answered with the first receipt when the server had it all along', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<string>()
    cluster.relay(1).faults = { cutAnswers: 2 }
    const { receipt } = await channel.publish('once')
    expect(receipt.n).toBe(1)
    expect(cluster.relay(1).channels.messages(channel.id)).toHaveLength(1)
    expect(cluster.relay(1).requestsTo('POST')).toBe(3)
  })

  it('turns to the next server when one does not answer in time', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const client = cluster.client({ timing: { publishAttemptMs: 100 } })
    const channel = await client.channels.create<string>()
    cluster.relay(1).faults = { delayMs: 1_000 }
    expect((await channel.publish('hello')).server.id).toBe(2)
  })

  it('waits as long as a server asks for', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<string>()
    cluster.relay(1).faults = { refuse: { path: '/channel/', code: 'rate_limited', times: 1, retryAfter: '1' } }
    const begun = performance.now()
    await channel.publish('patient')
    expect(performance.now() - begun).toBeGreaterThan(990)
    expect(cluster.relay(1).requestsTo('POST')).toBe(2)
  })

  it('turns to the next server when one is unavailable', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<string>()
    cluster.relay(1).faults = { refuse: { path: '/channel/', code: 'store_unavailable', times: 1 } }
    expect((await channel.publish('hello')).server.id).toBe(2)
  })

  it('gives a server that does not know the channel its genesis', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<string>()
    cluster.relay(1).channels.forget(channel.id)
    const { id } = await channel.publish('hello')
    expect(cluster.relay(1).channels.messages(channel.id)).toEqual([id])
  })

  it('keeps the order of the calls, and names what it has seen', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    cluster.relay(1).faults = { refuse: { path: '/channel/', code: 'internal', times: 1 } }
    const published = await Promise.all(range(1, 10).map((n) => channel.publish(n)))
    expect(cluster.relay(2).channels.messages(channel.id)).toEqual(published.map(({ id }) => id))
    expect(published.slice(1).map(({ prev }) => prev)).toEqual(published.slice(0, -1).map(({ id }) => [id]))
  })

  it('names at most four heads, the newest', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const writer = cluster.client()
    const channel = await writer.channels.create<number>()
    const others = await Promise.all(range(1, 5).map(() => cluster.client().channels.get<number>(channel.id)))
    const concurrent: string[] = []
    for (const other of others) concurrent.push((await other.publish(1)).id)
    const subscription = channel.subscribe({ from: 'start' })
    await take(subscription, 5)
    expect((await channel.publish(2)).prev).toEqual(concurrent.slice(1))
  })

  it('keeps what is published while every server is down, and delivers it when they are back', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const client = cluster.client()
    const channel = await client.channels.create<number>()
    const subscription = (await cluster.client().channels.get<number>(channel.id)).subscribe()
    await subscription.opened()
    await Promise.all(cluster.relays.map((relay) => relay.kill()))
    const published = Promise.all(range(1, 3).map((n) => channel.publish(n)))
    await expect.poll(() => subscription.state).toBe('reconnecting')
    expect(client.pendingPublishes).toBe(3)
    await Promise.all(cluster.relays.map((relay) => relay.start()))
    await published
    expect(client.pendingPublishes).toBe(0)
    expect(await take(subscription, 3)).toEqual([1, 2, 3])
  })

  it('fails at its deadline with the reason, and says so when the device is offline', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    await cluster.relay(1).kill()
    const failed = await channel.publish(1, { deadlineMs: 100 }).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'timeout', retryable: true, cause: { code: 'network' } })
    vi.stubGlobal('navigator', { onLine: false })
    await expect(channel.publish(1, { deadlineMs: 100 })).rejects.toMatchObject({ code: 'offline' })
  })

  it('tries at once when the network is back', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const events = new EventTarget()
    vi.stubGlobal('addEventListener', events.addEventListener.bind(events))
    vi.stubGlobal('removeEventListener', events.removeEventListener.bind(events))
    let failures = 0
    const client = cluster.client({
      timing: { backoffBaseMs: 600_000, backoffCapMs: 600_000 },
      random: () => 0.9,
      fetch: async (input, init) => {
        try {
          return await fetch(input, init)
        } catch (error) {
          failures++
          throw error
        }
      },
    })
    const channel = await client.channels.create<number>()
    await cluster.relay(1).kill()
    const published = channel.publish(1)
    await expect.poll(() => failures).toBe(1)
    await cluster.relay(1).start()
    events.dispatchEvent(new Event('online'))
    await published
    expect(cluster.relay(1).requestsTo('POST')).toBe(1)
  })

  it('can be aborted while it waits, and the next one goes on', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const client = cluster.client()
    const channel = await client.channels.create<number>()
    await cluster.relay(1).kill()
    const abort = new AbortController()
    const first = channel.publish(1, { signal: abort.signal }).catch((error: unknown) => error)
    const second = channel.publish(2)
    abort.abort()
    expect(await first).toMatchObject({ code: 'aborted' })
    await cluster.relay(1).start()
    await second
    expect(cluster.relay(1).channels.messages(channel.id)).toHaveLength(1)
    await expect(channel.publish(3, { signal: abort.signal })).rejects.toMatchObject({ code: 'aborted' })
  })

  it('rejects at once what no server would take', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create()
    const before = cluster.relay(1).requestsTo('POST')
    await expect(channel.publish('x'.repeat(70_000))).rejects.toMatchObject({ code: 'body_too_large', retryable: false })
    await expect(channel.publish(Number.NaN)).rejects.toMatchObject({ code: 'malformed_message' })
    await expect(channel.publish(undefined)).rejects.toMatchObject({ code: 'malformed_message' })
    expect(cluster.relay(1).requestsTo('POST')).toBe(before)
  })

  it('rejects with what the server says when that is final', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<string>()
    cluster.relay(1).faults = { refuse: { path: '/channel/', code: 'channel_expired', times: 1 } }
    const error = await channel.publish('late').catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      code: 'channel_expired',
      retryable: false,
      requestId: 'request-1',
      docsUrl: `${cluster.relay(1).endpoint}/problems/channel_expired`,
    })
    expect(cluster.relay(2).requestsTo('POST')).toBe(0)
  })

  it('holds on to nothing of what has been published', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    const first = new WeakRef(await channel.publish(0))
    for (const n of range(1, 3)) await channel.publish(n)
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    await expect
      .poll(() => {
        collect()
        return first.deref()
      })
      .toBeUndefined()
  })

  it('takes the data as it is at the call', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<{ bet: number }>()
    const bet = { bet: 20 }
    const published = channel.publish(bet)
    bet.bet = 1_000
    await published
    expect(await take(channel.subscribe({ from: 'start' }), 1)).toEqual([{ bet: 20 }])
  })
})
