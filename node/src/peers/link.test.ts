import { type Coordinate, signGenesis, signMessage, type VersionVectorData } from '@dred/protocol'
import { encodeFrame, relayLimits, type WireEntry } from '@dred/protocol/relay'
import { encode } from 'cborg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Entry } from '../store/port.ts'
import { Cluster, quick } from './testing/cluster.ts'
import { Rogue } from './testing/rogue.ts'
import { toWire } from './wire-entry.ts'

/** Server 3 runs; server 1 is played by the tests, with its registered key. */
const SERVER = 3
const ROGUE = 1
const incarnation = 1_700_000_000_000

let cluster: Cluster
const rogues: Rogue[] = []

async function begin(timings: Partial<typeof quick> = {}): Promise<void> {
  cluster = await Cluster.create(3, { replicator: { timings: { ...quick, ...timings } } })
  await cluster.server(SERVER).start()
}
afterEach(async () => {
  for (const rogue of rogues.splice(0)) rogue.close()
  await cluster.close()
})

async function dialled(): Promise<Rogue> {
  const rogue = await Rogue.dial(cluster.server(SERVER).entry.endpoint)
  rogues.push(rogue)
  return rogue
}

async function joined(): Promise<Rogue> {
  const rogue = await dialled()
  await rogue.join(cluster, { from: ROGUE, to: SERVER, key: cluster.server(ROGUE).key })
  return rogue
}

const eventually = <T>(actual: () => T) => expect.poll(actual, { timeout: 10_000, interval: 10 })
const counts = () => cluster.server(SERVER).counts
const vector = async () => (await cluster.server(SERVER).store.vector()).toData()

type Signed = Extract<WireEntry, { canonical: string }>

/** A valid message as server 1 would send it. */
async function wire(n: number, coordinate: Partial<Coordinate> = {}): Promise<Signed> {
  const entry = await cluster.message(`message ${n}`)
  const wired = toWire({ ...entry, coordinate: { server: ROGUE, incarnation, n, ...coordinate }, acceptedAt: Date.now() } as Entry)
  if (!('canonical' in wired)) throw new Error('a message was expected')
  return wired
}

const push = (rogue: Rogue, entry: WireEntry) => rogue.send({ type: 'PUSH', entry, cover: [] })

describe('an invalid entry', () => {
  beforeEach(() => begin())

  const spoilt: [string, (entry: Signed) => Signed | Promise<Signed>][] = [
    ['with a signature of something else', (entry) => ({ ...entry, sig: `${entry.sig.startsWith('A') ? 'B' : 'A'}${entry.sig.slice(1)}` })],
    ['with a changed text', (entry) => ({ ...entry, canonical: entry.canonical.replace('message 1', 'massage 1') })],
    ['that is not in canonical form', (entry) => ({ ...entry, canonical: entry.canonical.replace('{', '{ ') })],
    ['that is no JSON', (entry) => ({ ...entry, canonical: 'message' })],
    ['dated far ahead', async (entry) => ({ ...entry, ...(await signedAt(Date.now() + 400_000)), expiresAt: Date.now() + 500_000 })],
    ['of an unknown channel that would be kept for ever', (entry) => ({ ...entry, expiresAt: Number.MAX_SAFE_INTEGER })],
    ['that is a message but is called a genesis', (entry) => ({ ...entry, kind: 'genesis' })],
    ['that is a genesis of another neighborhood', (entry) => genesis(entry, { neighborhood: '2' })],
    ['that is a genesis dated far ahead', (entry) => genesis(entry, { createdAt: Date.now() + 400_000 })],
    ['counted for the server that it is sent to', (entry) => ({ ...entry, coordinate: own(0) })],
    ['counted for a later life of the server that it is sent to', (entry) => ({ ...entry, coordinate: own(1_000_000) })],
  ]

  const own = (later: number) => ({ server: SERVER, incarnation: cluster.server(SERVER).incarnation + later, n: 1 })

  async function signedAt(sentAt: number): Promise<{ canonical: string; sig: string }> {
    const { signed } = await signMessage(cluster.signer, cluster.channel.id, { message: 'from the future', sentAt })
    const { sig, key, message } = signed
    return { canonical: JSON.stringify({ channel: cluster.channel.id, key, message, sentAt, v: 1 }), sig }
  }

  async function genesis(entry: Signed, changes: { neighborhood?: string; createdAt?: number }): Promise<Signed> {
    const fields = { neighborhood: '1', createdAt: Date.now(), salt: new Uint8Array(16), ...changes }
    const { canonical, genesis } = await signGenesis(cluster.signer, fields)
    return { ...entry, kind: 'genesis', canonical, sig: genesis.sig }
  }

  it.each(spoilt)('%s is not stored and ends the link, but not what came before it', async (_, spoil) => {
    const rogue = await joined()
    push(rogue, await wire(1))
    push(rogue, await spoil(await wire(1, { n: 2 })))
    push(rogue, await wire(3))
    expect(await rogue.refusal()).toBe('rejected_entry')
    expect(await vector()).toEqual({ [`${ROGUE}-${incarnation}`]: [1] })
    expect(counts()).toMatchObject({ stored: 1, rejected: 1 })
  })

  it('in the answer to a PULL is treated likewise', async () => {
    const rogue = await joined()
    rogue.send({ type: 'VV', last: true, vector: { [`${ROGUE}-${incarnation}`]: [2] } })
    const { ticket, server, from, to } = await rogue.next('PULL')
    expect([server, from, to]).toEqual([ROGUE, 1, 2])
    rogue.send({ type: 'BATCH', ticket, entries: [await wire(1), { ...(await wire(2)), canonical: '{}' }] })
    expect(await rogue.refusal()).toBe('rejected_entry')
    expect(await vector()).toEqual({ [`${ROGUE}-${incarnation}`]: [1] })
  })

  it('keeps its sender away for a while, after which it is taken back', async () => {
    const rogue = await joined()
    push(rogue, { ...(await wire(1)), canonical: '{}' })
    expect(await rogue.refusal()).toBe('rejected_entry')
    const early = await dialled()
    await early.introduce(cluster, { from: ROGUE, to: SERVER, key: cluster.server(ROGUE).key })
    expect(await early.refusal()).toBe('rejected_entry')
    await eventually(async () => {
      const rogueAgain = await dialled()
      await rogueAgain.join(cluster, { from: ROGUE, to: SERVER, key: cluster.server(ROGUE).key }).catch(() => undefined)
      push(rogueAgain, await wire(1))
      return cluster.server(SERVER).replicator.connected()
    }).toEqual([ROGUE])
    await eventually(vector).toEqual({ [`${ROGUE}-${incarnation}`]: [1] })
  })
})

describe('a link', () => {
  it.each<[string, string, () => Uint8Array]>([
    ['an announced megabyte too much', 'oversized_frame', () => Buffer.from([0, 0x20, 0, 0])],
    ['garbage', 'malformed_frame', () => Buffer.from([0, 0, 0, 3, 1, 2, 3])],
    ['a HELLO', 'malformed_frame', () => Buffer.concat([Buffer.from([0, 0, 0, 8]), encode(['HELLO', 1])])],
    ['an AUTH', 'unexpected_frame', () => encodeFrame({ type: 'AUTH', signature: new Uint8Array(64) })],
    [
      'a vector without end',
      'malformed_frame',
      () => Buffer.concat(Array(relayLimits.vectorFrames + 1).fill(encodeFrame({ type: 'VV', last: false, vector: {} }))),
    ],
  ])('ends at %s: %s', async (_, code, bytes) => {
    await begin()
    const rogue = await joined()
    rogue.stream.write(bytes())
    expect(await rogue.refusal()).toBe(code)
    await eventually(() => cluster.server(SERVER).replicator.connected()).toEqual([])
  })

  it('ends at once when the peer leaves the registry', async () => {
    await begin()
    const rogue = await joined()
    cluster.register([cluster.server(2), cluster.server(SERVER)])
    expect(await rogue.refusal()).toBe('unregistered')
  })

  it('is used for what the peer can store, as far as it has said what it has', async () => {
    await begin({ vectorMs: 600_000 })
    const server = cluster.server(SERVER)
    const own = `${SERVER}-${server.incarnation}` as const
    await server.take(await cluster.message('before'))
    const rogue = await joined()
    // Its answer shows that the vector before it was heard.
    const say = async (vector: VersionVectorData) => {
      rogue.send({ type: 'VV', last: true, vector: { ...vector, [`${ROGUE}-${++told}`]: [1] } })
      const { ticket } = await rogue.next('PULL')
      rogue.send({ type: 'BATCH', ticket, entries: [{ kind: 'gone', coordinate: { server: ROGUE, incarnation: told, n: 1 } }] })
    }
    let told = 0
    await say({})
    await server.take(await cluster.message('of no use without the first'))
    expect((await rogue.next('VV')).vector[own]).toEqual([2])
    await say({ [own]: [2] })
    await server.take(await cluster.message('news'))
    expect((await rogue.next('PUSH')).entry.coordinate.n).toBe(3)
    await say({})
    rogue.send({ type: 'PULL', ticket: 1, server: SERVER, incarnation: server.incarnation, from: 1, to: 2 })
    expect((await rogue.next('BATCH')).entries).toHaveLength(2)
  })

  it('ends when the peer falls silent, and not while it speaks', async () => {
    await begin({ silentMs: 300, pingMs: 50 })
    const rogue = await joined()
    for (let i = 0; i < 10; i++) {
      const { at } = await rogue.next('PING')
      rogue.send({ type: 'PONG', at })
    }
    expect(cluster.server(SERVER).replicator.connected()).toEqual([ROGUE])
    expect(await rogue.refusal()).toBe('silent')
  })

  it('answers what is asked, in bounded portions, and nothing for what it lacks', async () => {
    await begin()
    const { store, incarnation: own } = cluster.server(SERVER)
    const texts = await Promise.all(Array.from({ length: 12 }, (_, i) => cluster.message(`${i} ${'x'.repeat(60_000)}`)))
    for (const entry of texts) await cluster.server(SERVER).take(entry)
    for (let i = 0; i < 600; i++)
      await store.replicate({
        kind: 'reference',
        coordinate: { server: 2, incarnation: 5, n: i + 1 },
        channel: cluster.channel.id,
        id: texts[0]?.id ?? '',
      })
    const rogue = await joined()
    const ask = async (range: { server: number; incarnation: number; from: number; to: number }) => {
      rogue.send({ type: 'PULL', ticket: 9, ...range })
      const { ticket, entries } = await rogue.next('BATCH')
      return [ticket, entries.length]
    }
    // 512 KiB hold eight messages of 60,000 bytes.
    expect(await ask({ server: SERVER, incarnation: own, from: 1, to: 100 })).toEqual([9, 8])
    expect(await ask({ server: SERVER, incarnation: own, from: 12, to: 12 })).toEqual([9, 1])
    expect(await ask({ server: SERVER, incarnation: own, from: 13, to: 99 })).toEqual([9, 0])
    expect(await ask({ server: 2, incarnation: 5, from: 1, to: 600 })).toEqual([9, 512])
    expect(await ask({ server: 77, incarnation: 1, from: 1, to: 1 })).toEqual([9, 0])
  })

  it('does not pile up answers to PINGs that the peer does not take', async () => {
    await begin({ silentMs: 60_000, pingMs: 60_000 })
    const rogue = await joined()
    rogue.stream.pause()
    const pings = Buffer.concat(Array.from({ length: 60_000 }, (_, i) => encodeFrame({ type: 'PING', at: 1_000_000 + i })))
    rogue.stream.write(pings)
    push(rogue, await wire(1))
    await eventually(vector).toEqual({ [`${ROGUE}-${incarnation}`]: [1] })
    rogue.stream.resume()
    rogue.send({ type: 'PULL', ticket: 7, server: 2, incarnation: 1, from: 1, to: 1 })
    await rogue.next('BATCH')
    expect(rogue.pongs).toBeGreaterThan(0)
    expect(rogue.pongs).toBeLessThan(40_000)
  })

  it('ends when the peer asks on and on without taking the answers', async () => {
    await begin({ silentMs: 60_000 })
    const server = cluster.server(SERVER)
    for (let i = 0; i < 8; i++) await server.take(await cluster.message(`${i} ${'x'.repeat(60_000)}`))
    const rogue = await joined()
    rogue.stream.pause()
    const own = { server: SERVER, incarnation: server.incarnation, from: 1, to: 8 }
    for (let ticket = 0; ticket < 60; ticket++) rogue.send({ type: 'PULL', ticket, ...own })
    const sent = server.counts.sent
    // Some answers are on their way, the other questions wait.
    await eventually(() => server.counts.sent).toBeGreaterThan(sent)
    expect(server.replicator.connected()).toEqual([ROGUE])
    for (let ticket = 60; ticket < 120; ticket++) rogue.send({ type: 'PULL', ticket, ...own })
    await eventually(() => server.replicator.connected()).toEqual([])
    expect(server.counts.sent - sent).toBeLessThan(80)
  })

  it('asks again, but not in a tight loop, a peer that does not give what it says it has', async () => {
    await begin({ retryMs: 200 })
    const rogue = await joined()
    rogue.send({ type: 'VV', last: true, vector: { [`${ROGUE}-${incarnation}`]: [1] } })
    const first = await rogue.next('PULL')
    const startedAt = performance.now()
    rogue.send({ type: 'BATCH', ticket: first.ticket, entries: [] })
    const second = await rogue.next('PULL')
    expect(performance.now() - startedAt).toBeGreaterThan(150)
    rogue.send({ type: 'BATCH', ticket: second.ticket, entries: [await wire(1)] })
    await eventually(vector).toEqual({ [`${ROGUE}-${incarnation}`]: [1] })
  })

  it('does not pile up what a slow peer does not take, and tells it afterwards what it has missed', async () => {
    await begin({ silentMs: 60_000, vectorMs: 600_000 })
    const rogue = await joined()
    rogue.stream.pause()
    const before = counts().sent
    const server = cluster.server(SERVER)
    for (let i = 0; i < 100; i++) await server.take(await cluster.message(`${i} ${'x'.repeat(60_000)}`))
    // 6 MB were to be sent; what is queued and what the peer's side holds is far less.
    expect(counts().sent - before).toBeLessThan(30)
    rogue.stream.resume()
    const own = `${SERVER}-${server.incarnation}` as const
    expect((await rogue.next('VV')).vector[own]).toEqual([100])
    // As it lacks some of them, it is sent none until it has asked for all.
    await server.take(await cluster.message('meanwhile'))
    expect((await rogue.next('VV')).vector[own]).toEqual([101])
    for (let from = 1; from <= 101; ) {
      rogue.send({ type: 'PULL', ticket: from, server: SERVER, incarnation: server.incarnation, from, to: 101 })
      from = 1 + ((await rogue.next('BATCH')).entries.at(-1)?.coordinate.n ?? 101)
    }
    await server.take(await cluster.message('after'))
    expect((await rogue.next('PUSH')).entry.coordinate.n).toBe(102)
  })
})
