import { type Coordinate, signGenesis, signMessage } from '@dred/protocol'
import { type BodyEntry, encodeFrame, relayLimits } from '@dred/protocol/relay'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import type { Rogue } from './testing/rogue.ts'
import { origin, push, Stage } from './testing/stage.ts'

/** More than are asked for one by one. */
const MANY = 17

let stage: Stage
afterEach(() => stage.close())

async function dated(sentAt: number): Promise<{ canonical: string; sig: string; expiresAt: number }> {
  const { signer, channel } = stage.cluster
  const { signed } = await signMessage(signer, channel.id, { message: 'from the future', sentAt })
  const { sig, key, message } = signed
  return { canonical: JSON.stringify({ channel: channel.id, key, message, sentAt, v: 1 }), sig, expiresAt: sentAt + 100_000 }
}

async function genesis(entry: BodyEntry, changes: { neighborhood?: string; createdAt?: number }): Promise<BodyEntry> {
  const fields = { neighborhood: '1', createdAt: Date.now(), salt: new Uint8Array(16), ...changes }
  const { canonical, genesis } = await signGenesis(stage.cluster.signer, fields)
  return { ...entry, kind: 'genesis', canonical, sig: genesis.sig }
}

describe('an invalid entry', () => {
  beforeEach(async () => {
    stage = await Stage.set()
  })

  const spoilt: [string, (entry: BodyEntry) => BodyEntry | Promise<BodyEntry>][] = [
    ['with a signature of something else', (entry) => ({ ...entry, sig: `${entry.sig.startsWith('A') ? 'B' : 'A'}${entry.sig.slice(1)}` })],
    ['with a changed text', (entry) => ({ ...entry, canonical: entry.canonical.replace('message 2', 'massage 2') })],
    ['that is not in canonical form', (entry) => ({ ...entry, canonical: entry.canonical.replace('{', '{ ') })],
    ['that is no JSON', (entry) => ({ ...entry, canonical: 'message' })],
    ['of an unknown channel that would be kept for ever', (entry) => ({ ...entry, expiresAt: Number.MAX_SAFE_INTEGER })],
    ['that is a message but is called a genesis', (entry) => ({ ...entry, kind: 'genesis' })],
    ['that is a genesis of another neighborhood', (entry) => genesis(entry, { neighborhood: '2' })],
    ['counted for the server that it is sent to', (entry) => ({ ...entry, coordinate: own })],
  ]

  let own: Coordinate
  beforeEach(() => {
    own = { server: Stage.server, incarnation: stage.server.incarnation, n: 1 }
  })

  it.each(spoilt)('%s is not stored and ends the link, but not what came before it', async (_, spoil) => {
    const rogue = await stage.joined()
    push(rogue, await stage.wire(1))
    await eventually(() => stage.vector()).toEqual({ [origin]: [1] })
    push(rogue, await spoil(await stage.wire(2)))
    expect(await rogue.refusal()).toBe('rejected_entry')
    expect(await stage.vector()).toEqual({ [origin]: [1] })
    expect(stage.server.counts.stored).toBe(1)
  })

  it('in the answer to a PULL is treated likewise', async () => {
    const rogue = await stage.joined()
    rogue.send({ type: 'HAVE', vector: { [origin]: [MANY] } })
    const { ticket, server, from, to } = await rogue.next('PULL')
    expect([server, from, to]).toEqual([Stage.rogue, 1, MANY])
    rogue.send({ type: 'BATCH', ticket, entries: [await stage.wire(1), { ...(await stage.wire(2)), canonical: '{}' }] })
    expect(await rogue.refusal()).toBe('rejected_entry')
    await eventually(() => stage.vector()).toEqual({ [origin]: [1] })
  })

  it('keeps its sender away for a while, after which it is taken back', async () => {
    const rogue = await stage.joined()
    push(rogue, { ...(await stage.wire(1)), canonical: '{}' })
    expect(await rogue.refusal()).toBe('rejected_entry')
    const early = await stage.dialled()
    await early.introduce(stage.cluster, stage.introduction)
    expect(await early.refusal()).toBe('rejected_entry')
    await eventually(async () => {
      const again = await stage.dialled()
      await again.join(stage.cluster, stage.introduction).catch(() => undefined)
      push(again, await stage.wire(1))
      return stage.server.replicator.connected()
    }).toEqual([Stage.rogue])
    await eventually(() => stage.vector()).toEqual({ [origin]: [1] })
  })
})

describe('an entry that the server does not want', () => {
  beforeEach(async () => {
    stage = await Stage.set()
  })

  it('is refused alone when its clock is far ahead', async () => {
    const rogue = await stage.joined()
    push(rogue, { ...(await stage.wire(1)), clock: (Date.now() + 60_000) * 1_000 })
    push(rogue, await stage.wire(2))
    expect(await rogue.next('NO')).toMatchObject({ coordinate: { n: 1 }, reason: 'ahead' })
    await eventually(() => stage.vector()).toEqual({ [origin]: [0, 2] })
    expect(stage.server.replicator.connected()).toEqual([Stage.rogue])
  })

  it.each<[string, (entry: BodyEntry) => Promise<BodyEntry>]>([
    ['a message', async (entry) => ({ ...entry, ...(await dated(Date.now() + 400_000)) })],
    ['a genesis', (entry) => genesis(entry, { createdAt: Date.now() + 400_000 })],
  ])('is left out alone when it is %s dated far ahead: clocks differ, and whoever passes it on is not to blame', async (_, make) => {
    const rogue = await stage.joined()
    push(rogue, await make(await stage.wire(1)))
    push(rogue, await stage.wire(2))
    await eventually(() => stage.vector()).toEqual({ [origin]: [0, 2] })
    expect(stage.server.replicator.connected()).toEqual([Stage.rogue])
    expect(stage.server.replicator.statistics().pendingBytes).toBe(0)
  })

  it('makes the server begin another incarnation when it is counted for a later life of it', async () => {
    const rogue = await stage.joined()
    const { incarnation } = stage.server
    push(rogue, await stage.wire(1, { server: Stage.server, incarnation: incarnation + 10_000 }))
    await eventually(() => stage.server.incarnation).toBeGreaterThan(incarnation + 10_000)
    const { incarnation: told } = await rogue.next('STATE')
    expect(told).toBe(stage.server.incarnation)
    await stage.server.take(await stage.cluster.message('counted anew'))
    expect((await rogue.next('MSG')).entry.coordinate).toEqual({ server: Stage.server, incarnation: told, n: 1 })
  })
})

describe('a link', () => {
  it.each<[string, string, () => Uint8Array]>([
    ['an announced megabyte too much', 'oversized_frame', () => Buffer.from([0, 0x20, 0, 0])],
    ['garbage', 'malformed_frame', () => Buffer.from([0, 0, 0, 3, 1, 2, 3])],
    ['an AUTH', 'unexpected_frame', () => encodeFrame({ type: 'AUTH', signature: new Uint8Array(64) })],
    ['a TOKEN', 'unexpected_frame', () => encodeFrame({ type: 'TOKEN', token: new Uint8Array(16) })],
    ['a BULK', 'unexpected_frame', () => encodeFrame({ type: 'BULK', token: new Uint8Array(16) })],
    [
      'a vector without end',
      'malformed_frame',
      () =>
        Buffer.concat(
          Array(relayLimits.vectorFrames + 1).fill(encodeFrame({ type: 'VV', last: false, answer: false, vector: {}, floors: {} })),
        ),
    ],
  ])('ends at %s: %s', async (_, code, bytes) => {
    stage = await Stage.set()
    const rogue = await stage.joined()
    rogue.stream.write(bytes())
    expect(await rogue.refusal()).toBe(code)
    await eventually(() => stage.server.replicator.connected()).toEqual([])
  })

  it('ends at an answer with what was not asked for', async () => {
    stage = await Stage.set()
    const rogue = await stage.joined()
    rogue.send({ type: 'HAVE', vector: { [origin]: [MANY] } })
    const { ticket } = await rogue.next('PULL')
    rogue.send({ type: 'BATCH', ticket, entries: [await stage.wire(1, { server: 2 })] })
    expect(await rogue.refusal()).toBe('unexpected_frame')
    expect(await stage.vector()).toEqual({})
  })

  it('ends at once when the peer leaves the registry', async () => {
    stage = await Stage.set()
    const rogue = await stage.joined()
    stage.cluster.register([stage.cluster.server(2), stage.server])
    expect(await rogue.refusal()).toBe('unregistered')
  })

  it('ends when the peer falls silent, and not while it speaks', async () => {
    stage = await Stage.set({ silentMs: 200, pingMs: 100 })
    const rogue = await stage.joined()
    rogue.answersPings = false
    for (let i = 0; i < 5; i++) {
      const { at } = await rogue.next('PING')
      rogue.send({ type: 'PONG', at })
    }
    expect(stage.server.replicator.connected()).toEqual([Stage.rogue])
    expect(await rogue.refusal()).toBe('silent')
  })

  it('asks again, but not in a tight loop, a peer that does not give what it says it has', async () => {
    stage = await Stage.set({ retryMs: 200 })
    const rogue = await stage.joined()
    rogue.send({ type: 'HAVE', vector: { [origin]: [MANY] } })
    const first = await rogue.next('PULL')
    const startedAt = performance.now()
    rogue.send({ type: 'BATCH', ticket: first.ticket, entries: [] })
    const second = await rogue.next('PULL')
    expect(performance.now() - startedAt).toBeGreaterThan(150)
    rogue.send({ type: 'BATCH', ticket: second.ticket, entries: [await stage.wire(1)] })
    await eventually(() => stage.vector()).toEqual({ [origin]: [1] })
  })
})

describe('answers to a PULL', () => {
  /** Twelve big messages of the server, and 600 small entries of another. */
  async function filled(): Promise<void> {
    const { store } = stage.server
    const big = await Promise.all(Array.from({ length: 12 }, (_, i) => stage.cluster.message(`${i} ${'x'.repeat(60_000)}`)))
    for (const entry of big) await stage.server.take(entry)
    const reference = { kind: 'reference' as const, channel: stage.cluster.channel.id, id: big[0]?.id ?? '' }
    for (let n = 1; n <= 600; n++) await store.replicate({ ...reference, coordinate: { server: 2, incarnation: 5, n } })
  }

  interface Range {
    server: number
    incarnation: number
    from: number
    to: number
  }

  async function ask(rogue: Rogue, range: Range, answers = rogue): Promise<number[]> {
    rogue.send({ type: 'PULL', ticket: 9, ...range })
    const { ticket, entries } = await answers.next('BATCH')
    return [ticket, entries.length]
  }

  it('come in bounded portions, and empty for what the server lacks', async () => {
    stage = await Stage.set()
    await filled()
    const rogue = await stage.joined()
    const own = { server: Stage.server, incarnation: stage.server.incarnation }
    // 512 KiB hold eight messages of 60,000 bytes.
    expect(await ask(rogue, { ...own, from: 1, to: 100 })).toEqual([9, 8])
    expect(await ask(rogue, { ...own, from: 12, to: 12 })).toEqual([9, 1])
    expect(await ask(rogue, { ...own, from: 13, to: 99 })).toEqual([9, 0])
    expect(await ask(rogue, { server: 2, incarnation: 5, from: 1, to: 600 })).toEqual([9, 512])
    expect(await ask(rogue, { server: 77, incarnation: 1, from: 1, to: 1 })).toEqual([9, 0])
  })

  it('come on the second stream when there are many of them and the peer has opened it', async () => {
    stage = await Stage.set()
    await filled()
    const rogue = await stage.dialled()
    const token = await rogue.join(stage.cluster, stage.introduction)
    const bulk = await rogue.another()
    bulk.send({ type: 'BULK', token })
    // Its own answer shows that the token was taken.
    rogue.send({ type: 'HAVE', vector: { [origin]: [MANY] } })
    const { ticket } = await rogue.next('PULL')
    bulk.send({ type: 'BATCH', ticket, entries: [await stage.wire(1)] })
    await eventually(async () => (await stage.vector())[origin]).toEqual([1])
    expect(await ask(rogue, { server: 2, incarnation: 5, from: 1, to: 600 }, bulk)).toEqual([9, 512])
    expect(await ask(rogue, { server: 2, incarnation: 5, from: 1, to: 3 })).toEqual([9, 3])
    bulk.close()
    await eventually(() => {
      rogue.send({ type: 'PULL', ticket: 10, server: 2, incarnation: 5, from: 1, to: 600 })
      return rogue.heard.some((frame) => frame.type === 'BATCH' && frame.ticket === 10)
    }).toBe(true)
  })

  it('have a stream of their own on which nothing else may come', async () => {
    stage = await Stage.set()
    const rogue = await stage.dialled()
    const token = await rogue.join(stage.cluster, stage.introduction)
    const bulk = await rogue.another()
    bulk.send({ type: 'BULK', token })
    bulk.send({ type: 'PING', at: 1 })
    expect(await rogue.refusal()).toBe('unexpected_frame')
  })

  it('have a stream that takes the token of its own session, once', async () => {
    stage = await Stage.set()
    const rogue = await stage.dialled()
    const token = await rogue.join(stage.cluster, stage.introduction)
    const thief = await stage.dialled()
    thief.send({ type: 'BULK', token })
    expect(await thief.refusal()).toBe('unexpected_frame')
    const guess = await rogue.another()
    guess.send({ type: 'BULK', token: new Uint8Array(16) })
    expect(await guess.refusal()).toBe('unexpected_frame')
    expect(stage.server.replicator.connected()).toEqual([Stage.rogue])
  })
})

describe('a server with two processes', () => {
  it('is linked with the one that started later, whichever dials', async () => {
    const warned: object[] = []
    const nothing = () => undefined
    const log = { debug: nothing, info: nothing, error: nothing, warn: (fields: object) => warned.push(fields) }
    stage = await Stage.set({}, { replicator: { log } })
    const introduction = (incarnation: number) => ({ ...stage.introduction, incarnation })
    const [first, second, third] = [await stage.dialled(), await stage.dialled(), await stage.dialled()]
    await first.join(stage.cluster, introduction(1_000))
    await eventually(() => stage.server.replicator.connected()).toEqual([Stage.rogue])
    await second.join(stage.cluster, introduction(2_000))
    expect(await first.refusal()).toBe('replaced')
    await third.introduce(stage.cluster, introduction(1_000))
    third.send({ type: 'STATE', incarnation: 1_000, epoch: 0, joining: false, credit: 1 })
    expect(await third.refusal()).toBe('replaced')
    expect(stage.server.replicator.connected()).toEqual([Stage.rogue])
    push(second, await stage.wire(1))
    await eventually(() => stage.vector()).toEqual({ [origin]: [1] })
    expect(warned).toEqual([
      { peer: Stage.rogue, linked: 1_000, dialled: 2_000 },
      { peer: Stage.rogue, linked: 2_000, dialled: 1_000 },
    ])
  })
})
