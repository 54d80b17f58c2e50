import { verifyReceipt } from '@dred/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import type { DredClientError } from '../src/index.ts'
import { Cluster } from './cluster.ts'
import { take } from './collect.ts'
import { serverKey } from './server-key.ts'

let cluster: Cluster

afterEach(() => cluster.stop())

const failure = (promise: Promise<unknown>): Promise<DredClientError> =>
  promise.then(
    () => Promise.reject(new Error('It did not fail')),
    (error: unknown) => error as DredClientError,
  )

/** Relays that are no peers of each other yet: what one stores, the others get when they are connected. */
async function unlinked(relays: number): Promise<void> {
  cluster = await Cluster.start({ relays })
  for (const relay of cluster.relays) for (const peer of relay.peers) peer.mute(relay)
}

describe('the receipt of a publish', () => {
  it('is signed by the server that took the message', async () => {
    cluster = await Cluster.start({ relays: 3 })
    const channel = await cluster.client().channels.create<string>()
    const { id, receipt, server } = await channel.publish('hello')
    expect(receipt).toMatchObject({ type: 'receipt', signer: 1, server: 1, channel: channel.id, id, stored: 3, servers: 3 })
    expect(server.id).toBe(1)
    const { key } = cluster.relay(1)
    expect(key && (await verifyReceipt(receipt, key))).toBe(true)
    expect(cluster.discovery.keysAsked).toBe(0)
  })

  it.each([
    ['signed with another key', async () => ({ signsWith: await serverKey() })],
    ['changed', async () => ({ sentReceipt: { stored: 3 } })],
    ['of another signer', async () => ({ signedReceipt: { signer: 2 } })],
    ['for another message', async () => ({ signedReceipt: { id: 'A'.repeat(43) } })],
    ['for another channel', async () => ({ signedReceipt: { channel: 'A'.repeat(43) } })],
  ])('is refused when it is %s: the next server is offered the message', async (_name, faults) => {
    await unlinked(2)
    const client = cluster.client()
    const channel = await client.channels.create<string>()
    cluster.relay(1).faults = await faults()
    const { id, server, receipt } = await channel.publish('hello')
    expect([server.id, receipt.signer]).toEqual([2, 2])
    expect(cluster.relay(2).channels.messages(channel.id)).toEqual([id])
  })

  it('is good with a former key that discovery says is accepted, asked once', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const former = await serverKey()
    const channel = await cluster.client().channels.create<number>()
    cluster.relay(1).faults = { signsWith: former }
    cluster.discovery.keys.set(1, [
      { key: former, acceptedUntil: Date.now() / 1_000 + 60 },
      { key: await serverKey(), acceptedUntil: null },
    ])
    await channel.publish(1)
    await channel.publish(2)
    expect(cluster.discovery.keysAsked).toBe(1)
    cluster.discovery.keys.set(1, [{ key: former, acceptedUntil: Date.now() / 1_000 - 60 }])
    const late = await cluster.client().channels.get<number>(channel.id)
    expect(await failure(late.publish(3, { deadlineMs: 200 }))).toMatchObject({ code: 'timeout', cause: { code: 'invalid_response' } })
  })

  it('is good with any key that servers list, when there is no discovery service', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const former = await serverKey()
    const [first, second] = cluster.relays
    for (const relay of cluster.relays) relay.known[0]?.keys?.splice(1, 0, former)
    if (first) first.faults = { signsWith: former }
    const channel = await cluster.client({ discovery: [second?.endpoint ?? ''] }).channels.create<string>()
    expect((await channel.publish('hello')).receipt.signer).toBe(1)
  })
})

describe('ack', () => {
  it.each([
    ['quorum', 2],
    ['all', 3],
    [2, 2],
  ] as const)('%s waits for %i of 3 servers', async (ack, needed) => {
    await unlinked(3)
    const channel = await cluster.client().channels.create<string>()
    let settled = false
    const publishing = channel.publish('wait', { ack }).finally(() => (settled = true))
    await expect.poll(() => cluster.relay(1).channels.messages(channel.id)).toHaveLength(1)
    for (let relay = 2; relay <= needed; relay++) {
      expect(settled).toBe(false)
      cluster.relay(relay).unmute(cluster.relay(1))
    }
    expect((await publishing).receipt).toMatchObject({ signer: 1, stored: needed, servers: 3 })
    // However often it was asked for.
    expect(cluster.relay(1).channels.messages(channel.id)).toHaveLength(1)
  })

  it('accepted asks once and for nothing more', async () => {
    await unlinked(3)
    const channel = await cluster.client().channels.create<string>()
    expect((await channel.publish('quick')).receipt).toMatchObject({ stored: 1, servers: 3 })
    expect(cluster.relay(1).requests.filter((line) => line.startsWith('POST'))).toEqual([`POST /channel/${channel.id}`])
  })

  it('that is not reached in time says on how many servers the message is, and loses nothing', async () => {
    await unlinked(3)
    const client = cluster.client()
    const channel = await client.channels.create<string>()
    cluster.relay(2).unmute(cluster.relay(1))
    const error = await failure(channel.publish('most', { ack: 'all', deadlineMs: 300 }))
    expect(error).toMatchObject({ code: 'too_few_servers', retryable: false, published: { receipt: { stored: 2, servers: 3 } } })
    expect(cluster.relay(1).channels.messages(channel.id)).toEqual([error.published?.id])
    expect(client.pendingPublishes).toBe(0)
    // What follows names it as seen.
    expect((await channel.publish('next')).prev).toEqual([error.published?.id])
  })

  it('does not hold up the next publish', async () => {
    await unlinked(2)
    const client = cluster.client()
    const channel = await client.channels.create<string>()
    const slow = failure(channel.publish('slow', { ack: 'all', deadlineMs: 10_000 }))
    const { prev } = await channel.publish('quick')
    expect(cluster.relay(1).channels.messages(channel.id)).toEqual([prev[0], expect.any(String)])
    expect(client.pendingPublishes).toBe(1)
    client.close()
    expect(await slow).toMatchObject({ code: 'closed', published: { id: prev[0] } })
  })

  it('goes on when the server is away for a while', async () => {
    await unlinked(2)
    const channel = await cluster.client({ timing: { requestMs: 400 } }).channels.create<string>()
    const publishing = channel.publish('stubborn', { ack: 'all' })
    await expect.poll(() => cluster.relay(1).channels.messages(channel.id)).toHaveLength(1)
    cluster.relay(1).faults = { refuse: { path: '/channel/', code: 'store_unavailable', times: 3 } }
    await expect.poll(() => cluster.relay(1).faults.refuse?.times).toBe(0)
    cluster.relay(2).unmute(cluster.relay(1))
    expect((await publishing).receipt.stored).toBe(2)
  })

  it('asks the server at which the message entered, whoever said so', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<string>()
    cluster.relay(1).faults = { cutAnswers: 1 }
    const { receipt, server } = await channel.publish('twice', { ack: 'all' })
    expect(cluster.relay(2).requestsTo('POST')).toBe(1)
    expect([server.id, receipt.signer, receipt.stored]).toEqual([1, 1, 2])
  })

  it('can be aborted, and says what is stored', async () => {
    await unlinked(2)
    const channel = await cluster.client().channels.create<string>()
    const abort = new AbortController()
    const publishing = failure(channel.publish('gone', { ack: 'all', signal: abort.signal }))
    await expect.poll(() => cluster.relay(1).requestsTo('waitMs=1000')).toBe(1)
    abort.abort()
    expect(await publishing).toMatchObject({ code: 'aborted', published: { receipt: { stored: 1 } } })
  })

  it('of more servers than there are is refused before anything is stored', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<string>()
    expect(await failure(channel.publish('x', { ack: 3 }))).toMatchObject({ code: 'malformed_request', message: 'stored may be at most 2' })
    for (const ack of [0, 1.5, 65, Number.NaN]) {
      expect(await failure(channel.publish('x', { ack }))).toMatchObject({ code: 'malformed_request' })
    }
    expect(cluster.relays.map((relay) => relay.channels.messages(channel.id))).toEqual([[], []])
  })
})

describe('a subscription with receipts', () => {
  it('is told on how many servers messages are stored, by the server at which they entered', async () => {
    cluster = await Cluster.start({ relays: 3 })
    const channel = await cluster.client({ timing: { publishAttemptMs: 10_000 } }).channels.create<string>()
    const subscription = channel.subscribe({ from: 'start', receipts: true })
    const steps: string[] = []
    subscription.on('stored', ({ server, n, stored, servers }) => steps.push(`${server}: ${n} on ${stored}/${servers}`))
    await channel.publish('one')
    await channel.publish('two')
    const messages = [await subscription.next(), await subscription.next()].map(({ value }) => value)
    const storedOn = () => messages.map((message) => message && subscription.stored(message))
    const unknown = { stored: 1, servers: undefined }
    expect(storedOn()).toEqual([unknown, unknown])
    await cluster.relay(1).tellStored(2, 1)
    await cluster.relay(1).tellStored(1, 3)
    await expect.poll(() => steps).toEqual(['1: 2 on 1/3', '1: 1 on 3/3'])
    expect(storedOn()).toEqual([
      { stored: 3, servers: 3 },
      { stored: 1, servers: 3 },
    ])
    // Another server's count is of other messages.
    await cluster.relay(2).tellStored(9, 3)
    await expect.poll(() => steps).toHaveLength(3)
    expect(storedOn()[1]).toEqual({ stored: 1, servers: 3 })
    await cluster.relay(1).tellStored(2, 2)
    await expect.poll(() => storedOn()[1]).toEqual({ stored: 2, servers: 3 })
  })

  it('does not believe what is not signed by the server that says it, and hears that server no more', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const client = cluster.client()
    const channel = await client.channels.create<string>()
    const subscription = channel.subscribe({ receipts: true })
    let told = 0
    subscription.on('stored', () => told++)
    await expect.poll(() => subscription.state).toBe('connected')
    cluster.relay(1).faults = { signsWith: await serverKey() }
    await cluster.relay(1).tellStored(1, 2)
    // Signed well, of somebody else's messages.
    await cluster.relay(2).tellStored(1, 2, { server: 1 })
    await expect.poll(() => client.errors.map(({ code }) => code)).toEqual(['invalid_receipt', 'invalid_receipt'])
    cluster.relay(1).faults = {}
    await cluster.relay(1).tellStored(1, 2)
    await channel.publish('still heard')
    expect(await take(subscription, 1)).toEqual(['still heard'])
    expect([told, client.errors.length]).toEqual([0, 2])
  })

  it('asks for it again when it resumes; one without does not ask', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client({ servers: { min: 1, max: 1 } }).channels.create<string>()
    const [telling, silent] = [channel.subscribe({ receipts: true }), channel.subscribe()]
    let told = 0
    silent.on('stored', () => told--)
    telling.on('stored', () => told++)
    await Promise.all([telling.opened(), silent.opened()])
    await cluster.relay(1).kill()
    await cluster.relay(1).start()
    const resumed = (): string[] => cluster.relay(1).requests.filter((line) => line.includes('after='))
    await expect.poll(resumed).toHaveLength(2)
    expect(resumed().filter((line) => line.includes('receipts=stored'))).toHaveLength(1)
    await expect.poll(() => telling.state).toBe('connected')
    await cluster.relay(1).tellStored(1, 1)
    await expect.poll(() => told).toBe(1)
  })
})
