import { afterEach, describe, expect, it } from 'vitest'
import type { Channel } from '../src/index.ts'
import { Cluster } from './cluster.ts'
import { range, reached, stable, take, takeMessages } from './collect.ts'
import { FakeClock } from './fake-clock.ts'

let cluster: Cluster

afterEach(() => cluster.stop())

async function publishAll(channel: Channel<number>, numbers: number[]): Promise<void> {
  for (const number of numbers) await channel.publish(number)
}

describe('subscribe', () => {
  it('streams from two servers and gives each message once, with its sender and a cursor', async () => {
    cluster = await Cluster.start({ relays: 3 })
    const writer = cluster.client()
    const channel = await writer.channels.create<number>({ name: 'table' })
    expect(channel.storedBy.map(({ id }) => id).sort((a, b) => a - b)).toEqual([1, 2, 3])
    const reader = cluster.client()
    const subscription = (await reader.channels.get<number>(channel.id)).subscribe()
    await reached(subscription, 'connected')
    expect(cluster.relays.map((relay) => relay.openStreams)).toEqual([1, 1, 0])
    await publishAll(channel, range(1, 20))
    const messages = await takeMessages(subscription, 20)
    expect(messages.map(({ data }) => data)).toEqual(range(1, 20))
    expect(messages[0]).toMatchObject({
      sender: await writer.sender(),
      state: 'accepted',
      channel: channel.id,
      origin: { server: 1, n: 1 },
    })
    expect(messages[19]?.prev).toEqual([messages[18]?.id])
    expect(reader.errors).toEqual([])
  })

  it('begins at the start, after a cursor, with the last ones, or now', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    await publishAll(channel, range(1, 6))
    const all = await takeMessages(channel.subscribe({ from: 'start' }), 6)
    expect(all.map(({ data }) => data)).toEqual(range(1, 6))
    const last = channel.subscribe({ last: 2 })
    const after = channel.subscribe({ after: all[2]?.cursor ?? '' })
    const live = channel.subscribe()
    await Promise.all([last, after, live].map((subscription) => reached(subscription, 'connected')))
    await publishAll(channel, [7])
    expect(await take(last, 3)).toEqual([5, 6, 7])
    expect(await take(after, 4)).toEqual([4, 5, 6, 7])
    expect(await take(live, 1)).toEqual([7])
    expect(() => channel.subscribe({ from: 'start', last: 1 })).toThrow(expect.objectContaining({ code: 'malformed_request' }))
    expect(() => channel.subscribe({ after: 'behind' })).toThrow(expect.objectContaining({ code: 'malformed_cursor' }))
  })

  it('says once, behind the last message of history, that what follows is live', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    await publishAll(channel, [1, 2, 3])
    const subscription = channel.subscribe({ from: 'start' })
    const seen: unknown[] = []
    subscription.on('caughtUp', () => seen.push('caught up'))
    await reached(subscription, 'connected')
    await publishAll(channel, [4])
    for await (const { data } of subscription) {
      seen.push(data)
      if (data === 4) break
    }
    expect(seen).toEqual([1, 2, 3, 'caught up', 4])
  })

  it('calls a handler one message at a time and survives its errors', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const client = cluster.client()
    const channel = await client.channels.create<number>()
    await publishAll(channel, [1, 2, 3])
    const seen: number[] = []
    let running = 0
    await new Promise<void>((resolve) => {
      channel.subscribe({ from: 'start' }, async ({ data }) => {
        expect(++running).toBe(1)
        await Promise.resolve()
        running--
        seen.push(data)
        if (data === 2) throw new Error('the application failed')
        if (data === 3) resolve()
      })
    })
    expect(seen).toEqual([1, 2, 3])
    expect(client.errors.map(({ code }) => code)).toEqual(['handler_failed'])
  })

  it('loses and doubles nothing when each server dies and comes back in turn', async () => {
    cluster = await Cluster.start({ relays: 3 })
    const channel = await cluster.client().channels.create<number>()
    const subscription = (await cluster.client().channels.get<number>(channel.id)).subscribe({ from: 'start' })
    const received = take(subscription, 60)
    for (const [round, relay] of cluster.relays.entries()) {
      await publishAll(channel, range(round * 20 + 1, round * 20 + 10))
      await relay.kill()
      await publishAll(channel, range(round * 20 + 11, round * 20 + 20))
      await relay.start()
    }
    expect(await received).toEqual(range(1, 60))
  })

  it('goes on after a stream that is cut in the middle of a line', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    cluster.relay(1).faults = { cutMidLineAt: 3 }
    const client = cluster.client({ servers: { min: 1, max: 1 } })
    const subscription = (await client.channels.get<number>(channel.id)).subscribe({ from: 'start' })
    await publishAll(channel, range(1, 6))
    expect(await take(subscription, 6)).toEqual(range(1, 6))
    expect(cluster.relay(1).requestsTo('/stream?after=')).toBe(1)
    expect(client.errors.map(({ code }) => code)).toEqual(['stream_interrupted'])
  })

  it('drops a message that does not verify, says so, and takes it from the other server', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    cluster.relay(1).faults = { corrupt: (event) => (event['message'] === 2 ? { ...event, message: 200 } : event) }
    const client = cluster.client()
    const subscription = (await client.channels.get<number>(channel.id)).subscribe({ from: 'start' })
    await reached(subscription, 'connected')
    await publishAll(channel, range(1, 4))
    expect((await take(subscription, 4)).sort((a, b) => a - b)).toEqual(range(1, 4))
    expect(client.errors.map(({ code, server }) => [code, server])).toEqual([['invalid_message', cluster.relay(1).endpoint]])
  })

  it('does not let a lying server move the cursor past what it withheld', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    await publishAll(channel, range(1, 4))
    cluster.relay(1).faults = { corrupt: (event) => (event['message'] === 2 ? { ...event, message: 200 } : event) }
    await cluster.relay(2).kill()
    const subscription = (await cluster.client().channels.get<number>(channel.id)).subscribe({ from: 'start' })
    expect(await take(subscription, 3)).toEqual([1, 3, 4])
    await cluster.relay(2).start()
    expect(await take(subscription, 1)).toEqual([2])
  })

  it('says that there is a gap and goes on from the oldest that is kept', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    await publishAll(channel, range(1, 3))
    const [first] = await takeMessages(channel.subscribe({ from: 'start' }), 1)
    for (const relay of cluster.relays) relay.channels.purge(channel.id, 2)
    const subscription = channel.subscribe({ after: first?.cursor ?? '' })
    const gaps: unknown[] = []
    subscription.on('gap', (gap) => gaps.push(gap))
    await publishAll(channel, [4])
    const messages = await takeMessages(subscription, 2)
    expect(messages.map(({ data }) => data)).toEqual([3, 4])
    expect(gaps).toEqual([{ after: first?.cursor, oldest: expect.any(String) as string }])
    expect(messages[0]?.gap).toEqual(gaps[0])
    expect(messages[1]?.gap).toBeUndefined()
  })

  it('gives a server that does not know the channel its genesis', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    cluster.relay(1).channels.forget(channel.id)
    const subscription = channel.subscribe()
    await reached(subscription, 'connected')
    await channel.publish(1)
    expect(await take(subscription, 1)).toEqual([1])
    expect(cluster.relay(1).channels.messages(channel.id)).toHaveLength(1)
  })

  it('stops reading while the application does not, and loses nothing', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<string>()
    const filler = 'x'.repeat(60_000)
    const count = 500
    await Promise.all(range(1, count).map((n) => channel.publish(`${n} ${filler}`, { deadlineMs: 60_000 })))
    const subscription = channel.subscribe({ from: 'start' })
    await subscription.opened()
    // 30 MB do not fit into the queue and the sockets' buffers together: the server keeps the rest.
    await expect.poll(() => cluster.relay(1).unreadBytes).toBeGreaterThan(1_000_000)
    await stable(() => cluster.relay(1).unreadBytes)
    expect(cluster.relay(1).unreadBytes).toBeGreaterThan(1_000_000)
    const received: number[] = []
    for await (const message of subscription) {
      received.push(Number(message.data.split(' ')[0]))
      if (received.at(-1) === count) break
    }
    expect(received).toEqual(range(1, count))
  })

  it('finds out that a silent stream is dead, doubles it before, and replaces it', async () => {
    cluster = await Cluster.start({ relays: 3 })
    const channel = await cluster.client().channels.create<number>()
    const clock = new FakeClock()
    const client = cluster.client({ clock, timing: { keepaliveMs: 1_000 } })
    const subscription = (await client.channels.get<number>(channel.id)).subscribe()
    await reached(subscription, 'connected')
    await expect.poll(() => clock.pending).toBe(2)
    cluster.relay(1).faults = { silent: true }
    // A keepalive of the second relay proves that it lives; the first says nothing for 1.25 intervals.
    clock.advance(1_000)
    await channel.publish(1)
    expect(await take(subscription, 1)).toEqual([1])
    clock.advance(250)
    expect(subscription.state).toBe('degraded')
    await reached(subscription, 'connected')
    await expect.poll(() => cluster.relays.map((relay) => relay.openStreams)).toEqual([0, 1, 1])
  })

  it('without a spare server, keeps a silent stream until 2.5 intervals have passed', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    const clock = new FakeClock()
    const client = cluster.client({ clock, servers: { min: 1, max: 1 }, timing: { keepaliveMs: 1_000 } })
    const subscription = (await client.channels.get<number>(channel.id)).subscribe()
    await reached(subscription, 'connected')
    await expect.poll(() => clock.pending).toBe(1)
    cluster.relay(1).faults = { silent: true }
    clock.advance(2_400)
    expect(subscription.state).toBe('reconnecting')
    expect(cluster.relay(1).openStreams).toBe(1)
    clock.advance(200)
    cluster.relay(1).faults = {}
    await expect.poll(() => client.errors.map(({ code }) => code)).toEqual(['timeout'])
    clock.advance(1_000)
    await reached(subscription, 'connected')
    await channel.publish(1)
    expect(await take(subscription, 1)).toEqual([1])
  })

  it('is not held up by a server that does not open its stream', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    let letGo = (): void => undefined
    cluster.relay(1).faults = { holdOpen: new Promise((resolve) => (letGo = resolve)) }
    const subscription = (await cluster.client().channels.get<number>(channel.id)).subscribe()
    await reached(subscription, 'degraded')
    await channel.publish(1)
    expect(await take(subscription, 1)).toEqual([1])
    letGo()
    await reached(subscription, 'connected')
    await channel.publish(2)
    expect(await take(subscription, 1)).toEqual([2])
  })

  it('moves on when a server says goodbye, and comes back to it', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    cluster.relay(1).faults = { close: 'shutting_down' }
    const subscription = channel.subscribe()
    await reached(subscription, 'degraded')
    cluster.relay(1).faults = {}
    await reached(subscription, 'connected')
    expect(cluster.relays.map((relay) => relay.openStreams)).toEqual([1, 1])
  })

  it('ends with the reason when the channel has expired everywhere', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const client = cluster.client()
    const channel = await client.channels.create<number>()
    for (const relay of cluster.relays) relay.faults = { refuse: { path: '/stream', code: 'channel_expired', times: 99 } }
    const subscription = channel.subscribe()
    await expect(subscription.next()).rejects.toMatchObject({ code: 'channel_expired' })
    expect(await subscription.next()).toEqual({ done: true, value: undefined })
    expect(subscription.state).toBe('closed')
    expect(client.state).toBe('idle')
  })

  it('fails when every server refuses the neighborhood', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const client = cluster.client()
    const channel = await client.channels.create<number>()
    for (const relay of cluster.relays) relay.faults = { refuse: { path: '/stream', code: 'wrong_neighborhood', times: 99 } }
    const subscription = channel.subscribe()
    await expect(subscription.opened()).rejects.toMatchObject({ code: 'wrong_neighborhood' })
    expect(subscription.state).toBe('failed')
    expect(client.state).toBe('failed')
    await subscription.close()
    expect(client.state).toBe('idle')
  })
})
