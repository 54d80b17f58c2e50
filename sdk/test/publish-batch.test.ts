import { type ErrorCode, limits } from '@dred/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { Cluster } from './cluster.ts'
import { range, take } from './collect.ts'

let cluster: Cluster

afterEach(() => cluster.stop())

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'published',
    (error: unknown) => error,
  )

const batches = (): number =>
  cluster.relays.reduce((sum, relay) => sum + relay.requests.filter((line) => /^POST .*\/messages/.test(line)).length, 0)

describe('messages that are published together', () => {
  it('go in one request, in their order, each after the one before it', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    const subscription = channel.subscribe({ from: 'start' })
    const published = await Promise.all(range(1, 20).map((n) => channel.publish(n)))
    expect([cluster.relay(1).requestsTo('POST'), batches()]).toEqual([1, 1])
    expect(cluster.relay(1).channels.messages(channel.id)).toEqual(published.map(({ id }) => id))
    expect(published.map(({ receipt }) => receipt.n)).toEqual(range(1, 20))
    expect(published.map(({ prev }) => prev)).toEqual([[], ...published.slice(0, -1).map(({ id }) => [id])])
    expect(await take(subscription, 20)).toEqual(range(1, 20))
    expect((await channel.publish(21)).prev).toEqual([published.at(-1)?.id])
  })

  it('go on their own when they come one after the other', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    for (const n of range(1, 3)) await channel.publish(n)
    expect([cluster.relay(1).requestsTo('POST'), batches()]).toEqual([3, 0])
  })

  it('go with those that came while another was on its way', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    const { promise, resolve } = Promise.withResolvers<void>()
    cluster.relay(1).faults = { answer: () => (resolve(), false), delayMs: 50 }
    const first = channel.publish(1)
    await promise
    await Promise.all([first, ...range(2, 9).map((n) => channel.publish(n))])
    expect([cluster.relay(1).requestsTo('POST'), batches()]).toEqual([2, 1])
    expect(cluster.relay(1).channels.messages(channel.id)).toHaveLength(9)
  })

  it('go in several requests when they are more, or larger, than one carries', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<unknown>()
    await Promise.all(range(1, 2 * limits.batchMessages + 1).map((n) => channel.publish(n)))
    expect([cluster.relay(1).requestsTo('POST'), batches()]).toEqual([3, 2])
    const large = '\u20ac"'.repeat(12_000)
    const published = await Promise.all(range(1, 20).map((n) => channel.publish([n, large])))
    expect(batches()).toBe(4)
    expect(cluster.relay(1).channels.messages(channel.id).slice(-20)).toEqual(published.map(({ id }) => id))
  })

  it('are not kept from each other by one that is refused', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    cluster.relay(1).faults = { refuseMessage: ({ canonical }) => (canonical.includes('"message":2,') ? 'body_too_large' : undefined) }
    const outcomes = await Promise.all(range(1, 3).map((n) => failure(channel.publish(n))))
    expect(outcomes).toEqual(['published', expect.objectContaining({ code: 'body_too_large', requestId: 'request-1' }), 'published'])
    expect(cluster.relay(2).requestsTo('POST')).toBe(0)
  })

  it('are offered to the next server, as far as one does not take them', async () => {
    cluster = await Cluster.start({ relays: 2, linked: false })
    const channel = await cluster.client().channels.create<number>()
    cluster.relay(1).faults = { refuseMessage: ({ canonical }) => (/"message":[24],/.test(canonical) ? 'rate_limited' : undefined) }
    const published = await Promise.all(range(1, 4).map((n) => channel.publish(n)))
    expect(published.map(({ server }) => server.id)).toEqual([1, 2, 1, 2])
    expect(cluster.relay(2).channels.messages(channel.id)).toEqual([published[1]?.id, published[3]?.id])
  })

  it('are refused or offered again, each as it was answered', async () => {
    cluster = await Cluster.start({ relays: 2, linked: false })
    const channel = await cluster.client().channels.create<number>()
    const codes: Record<string, ErrorCode> = { 1: 'rate_limited', 2: 'body_too_large', 3: 'body_too_large', 4: 'store_unavailable' }
    cluster.relay(1).faults = { refuseMessage: ({ canonical }) => codes[/"message":([0-9]+),/.exec(canonical)?.[1] ?? ''] }
    const outcomes = await Promise.all(range(1, 5).map((n) => failure(channel.publish(n))))
    const refused = expect.objectContaining({ code: 'body_too_large' })
    expect(outcomes).toEqual(['published', refused, refused, 'published', 'published'])
    expect(cluster.relay(2).channels.messages(channel.id)).toHaveLength(2)
  })

  it('are the same messages at the next server when one dies before it answers', async () => {
    cluster = await Cluster.start({ relays: 2, linked: false })
    const channel = await cluster.client().channels.create<number>()
    cluster.relay(1).faults = { cutAnswers: 1 }
    const published = await Promise.all(range(1, 5).map((n) => channel.publish(n)))
    const ids = published.map(({ id }) => id)
    expect(published.map(({ server }) => server.id)).toEqual(range(1, 5).map(() => 2))
    expect([1, 2].map((id) => cluster.relay(id).channels.messages(channel.id))).toEqual([ids, ids])
  })

  it('are given up one by one: by their publishers, and at their deadlines', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    await cluster.relay(1).kill()
    const abort = new AbortController()
    const aborted = failure(channel.publish(1, { signal: abort.signal }))
    const late = failure(channel.publish(2, { deadlineMs: 100 }))
    const patient = channel.publish(3)
    abort.abort()
    expect(await aborted).toMatchObject({ code: 'aborted' })
    expect(await late).toMatchObject({ code: 'timeout', cause: { code: 'network' } })
    await cluster.relay(1).start()
    const { id } = await patient
    expect(cluster.relay(1).channels.messages(channel.id)).toEqual([id])
  })

  it('end all with the client', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const client = cluster.client()
    const channel = await client.channels.create<number>()
    await cluster.relay(1).kill()
    const outcomes = range(1, 3).map((n) => failure(channel.publish(n)))
    client.close()
    for (const outcome of outcomes) expect(await outcome).toMatchObject({ code: 'closed' })
    expect(client.pendingPublishes).toBe(0)
  })

  it('each have their receipt checked', async () => {
    cluster = await Cluster.start({ relays: 2, linked: false })
    const channel = await cluster.client().channels.create<number>()
    cluster.relay(1).faults = { sentReceipt: { stored: 3 } }
    const published = await Promise.all(range(1, 3).map((n) => channel.publish(n)))
    expect(published.map(({ receipt }) => receipt.signer)).toEqual([2, 2, 2])
  })

  it('are apart when they are to be stored on different numbers of servers', async () => {
    cluster = await Cluster.start({ relays: 3 })
    const channel = await cluster.client().channels.create<number>()
    const acks = ['accepted', 'all', 'all', 4, 'accepted'] as const
    const outcomes = await Promise.all(acks.map((ack, n) => failure(channel.publish(n, { ack }))))
    expect(outcomes).toEqual(['published', 'published', 'published', expect.objectContaining({ code: 'malformed_request' }), 'published'])
    expect(cluster.relay(1).requests.filter((line) => line.startsWith('POST'))).toEqual([
      `POST /channel/${channel.id}`,
      `POST /channel/${channel.id}/messages?stored=all&waitMs=0`,
      `POST /channel/${channel.id}?stored=4&waitMs=0`,
      `POST /channel/${channel.id}`,
    ])
  })
})
