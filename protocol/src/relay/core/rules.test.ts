import { describe, expect, it } from 'vitest'
import { originOf, VersionVector } from '../../version-vector.ts'
import { ring } from '../topologies/index.ts'
import { message, START, TestNetwork, type TestServer } from './testing/network.ts'
import type { CoreFrame, RelayEffect } from './types.ts'

const ids = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
const effectsOf = <T extends RelayEffect['type']>(server: TestServer, type: T) =>
  server.effects.filter((effect): effect is Extract<RelayEffect, { type: T }> => effect.type === type)

/** Frames from server 2 by hand to server 1. */
function hostile(options: ConstructorParameters<typeof TestNetwork>[1] = {}) {
  const net = new TestNetwork(ids(2), options).linkAll()
  const server = net.server(1)
  server.effects.length = 0
  const say = (frame: CoreFrame): void => net.tell(1, { type: 'frame', peer: 2, frame })
  const entry = (n: number, fields: { clock?: number; lifetimeMs?: number; bytes?: number } = {}) =>
    message({ server: 2, incarnation: START + 2, n }, { sentAt: START + net.nowMs, clock: (START + net.nowMs) * 1_000, ...fields }).entry
  return { net, server, say, entry }
}

describe('what a peer may not do', () => {
  it('count for another server in its present incarnation', () => {
    const { server, say, entry } = hostile()
    say({ type: 'MSG', entry: { ...entry(1), coordinate: { server: 1, incarnation: START + 1, n: 1 } }, cover: [] })
    expect(effectsOf(server, 'close')).toMatchObject([{ peer: 2, code: 'rejected_entry' }])
    expect(effectsOf(server, 'verify')).toEqual([])
  })

  it('set the clock far ahead', () => {
    const { net, server, say, entry } = hostile()
    say({ type: 'MSG', entry: entry(1, { clock: (START + net.nowMs + 30_001) * 1_000 }), cover: [] })
    expect(effectsOf(server, 'send').map(({ frame }) => frame)).toMatchObject([{ type: 'NO', reason: 'ahead' }])
    expect(server.relay.clock.tick(START)).toBeLessThan((START + net.nowMs + 30_001) * 1_000)
    say({ type: 'MSG', entry: entry(2, { clock: (START + net.nowMs + 29_999) * 1_000 }), cover: [] })
    expect(effectsOf(server, 'verify').length).toBe(1)
    expect(server.relay.clock.tick(START)).toBe((START + net.nowMs + 29_999) * 1_000 + 1)
  })

  it('have more of one origin wait than is allowed', () => {
    const { server, say, entry } = hostile({ bounds: { originBytes: 3_000 } })
    for (let n = 1; n <= 4; n++) say({ type: 'MSG', entry: entry(n, { bytes: 1_000 }), cover: [] })
    expect(effectsOf(server, 'verify').length).toBe(2)
    expect(effectsOf(server, 'send').flatMap(({ frame }) => (frame.type === 'NO' ? [frame.coordinate.n] : []))).toEqual([3, 4])
  })

  it('answer with what was not asked for', () => {
    const { net, server, say, entry } = hostile({ timings: { graceMs: 10 } })
    say({ type: 'VV', last: true, answer: false, vector: { [`2-${START + 2}`]: [100] }, floors: {} })
    net.sent.length = 0
    net.run(20)
    const [pull] = net.frames('PULL')
    expect(pull?.frame).toMatchObject({ server: 2, from: 1, to: 100 })
    say({ type: 'BATCH', ticket: pull?.frame.ticket ?? 0, entries: [entry(101)] })
    expect(effectsOf(server, 'close')).toMatchObject([{ peer: 2, code: 'unexpected_frame' }])
  })

  it('keep a server busy with ranges that have no end', () => {
    const { server, say } = hostile()
    const range = { server: 9, incarnation: 1, from: 1, to: Number.MAX_SAFE_INTEGER }
    say({ type: 'PROBE', ranges: [range, range] })
    say({ type: 'WANT', ranges: [range, range] })
    say({ type: 'PULL', ticket: 1, ...range })
    expect(effectsOf(server, 'send').map(({ frame }) => frame.type)).toEqual(['HAVE', 'WANT'])
    expect(effectsOf(server, 'read')).toMatchObject([{ from: 1, to: 512, limit: 512 }])
  })

  it('say what no store can hold', () => {
    const { net, server, say } = hostile()
    say({ type: 'VV', last: true, answer: false, vector: { [`9-${START}`]: [Number.MAX_SAFE_INTEGER] }, floors: {} })
    net.run(3_000)
    expect(effectsOf(server, 'close')).toEqual([])
    expect(net.frames('PULL').length).toBeLessThan(20)
  })
})

describe('a store', () => {
  it('that is out of reach takes and confirms nothing until it is back', () => {
    const { net, server, say, entry } = hostile()
    net.tell(1, { type: 'store-lost' })
    say({ type: 'MSG', entry: entry(1), cover: [] })
    say({ type: 'PROBE', ranges: [{ server: 2, incarnation: START + 2, from: 1, to: 1 }] })
    expect(effectsOf(server, 'verify')).toEqual([])
    expect(effectsOf(server, 'send')).toEqual([])
    net.tell(1, { type: 'recovered', vector: new VersionVector(), floors: {}, incarnation: START + 77 })
    expect(effectsOf(server, 'send').map(({ frame }) => frame)).toMatchObject([
      { type: 'STATE', incarnation: START + 77 },
      { type: 'VV', answer: true },
    ])
  })

  it('that is out of reach is not vouched for', () => {
    const net = new TestNetwork(ids(2)).linkAll()
    const { entry } = net.publish(2)
    net.run(22)
    net.tell(1, { type: 'store-lost' })
    net.sent.length = 0
    net.tell(1, { type: 'frame', peer: 2, frame: { type: 'MSG', entry, cover: [] } })
    net.run(500)
    expect(net.sent.filter(({ from, frame }) => from === 1 && (frame.type === 'HAVE' || frame.type === 'VV'))).toEqual([])
  })

  it('that fails to store is offered the entry again', () => {
    const { net, say, entry, server } = hostile()
    const sent = entry(1)
    say({ type: 'MSG', entry: sent, cover: [] })
    net.tell(1, { type: 'verified', coordinate: sent.coordinate, id: 'i'.repeat(43), missing: [], expiresAt: sent.expiresAt })
    net.tell(1, { type: 'stored', coordinate: sent.coordinate, result: 'failed' })
    say({ type: 'MSG', entry: sent, cover: [] })
    expect(effectsOf(server, 'verify').length).toBe(2)
    expect(effectsOf(server, 'send').some(({ frame }) => frame.type === 'HAVE')).toBe(false)
  })

  it('of a server that was emptied and set back begins a later incarnation', () => {
    const { server, say } = hostile()
    say({ type: 'VV', last: true, answer: false, vector: { [`1-${START + 50}`]: [3] }, floors: {} })
    say({ type: 'VV', last: true, answer: false, vector: { [`1-${START + 1}`]: [3] }, floors: {} })
    expect(effectsOf(server, 'outgrow').map(({ incarnation }) => incarnation)).toEqual([START + 50, START + 1])
  })
})

describe('what expired', () => {
  it('is not stored or passed on, and not asked for again', () => {
    const net = new TestNetwork(ids(3)).linkAll()
    net.loses = ({ to, frame }) => to === 3 && frame.type === 'MSG'
    const { entry } = net.publish(1, { lifetimeMs: 1_000 })
    net.run(950)
    net.loses = () => false
    net.run(8_000)
    expect(net.server(3).log).toEqual([])
    expect(net.server(3).relay.vector.has(originOf(entry.coordinate), 1)).toBe(true)
    net.sent.length = 0
    net.run(8_000)
    expect(net.frames('WANT')).toEqual([])
  })

  it('and is kept by nobody counts as known', () => {
    const { net, server, say } = hostile({ timings: { graceMs: 10 } })
    const origin = `9-${START}` as const
    say({ type: 'VV', last: true, answer: false, vector: { [origin]: [50] }, floors: { [origin]: 50 } })
    net.run(50)
    expect(effectsOf(server, 'store').map(({ entry }) => entry)).toEqual([
      { kind: 'gone', coordinate: { server: 9, incarnation: START, n: 50 }, from: 1 },
    ])
    expect(server.relay.vector.watermark(origin)).toBe(50)
    expect(net.frames('PULL')).toEqual([])
  })
})

describe('how many servers have everything', () => {
  it('is said anew when servers come or go', () => {
    const net = new TestNetwork(ids(3)).linkAll()
    net.publish(1)
    net.run(500)
    const confirmed = () => effectsOf(net.server(1), 'confirmed').at(-1)
    expect(confirmed()).toMatchObject({ upTo: [1, 1, 1], servers: 3 })
    net.setMembers([1, 2, 3, 4].map((id) => ({ id, leaving: id === 3 })))
    net.run(50)
    expect(confirmed()).toMatchObject({ upTo: [1, 1, 0], servers: 3 })
    net.setMembers([1, 2].map((id) => ({ id, leaving: false })))
    net.run(50)
    expect(confirmed()).toMatchObject({ upTo: [1, 1], servers: 2 })
  })
})

describe('heads', () => {
  it('are signed after 64 messages, or after a time', () => {
    const net = new TestNetwork(ids(2)).linkAll()
    for (let i = 0; i < 64; i++) net.publish(1)
    net.run(100)
    expect(net.frames('HEAD').map(({ frame }) => frame.n)).toEqual([64])
    net.publish(1)
    net.run(29_800)
    expect(net.frames('HEAD').length).toBe(1)
    net.run(400)
    expect(net.frames('HEAD').map(({ frame }) => frame.n)).toEqual([64, 65])
    expect(net.server(2).relay.counters.mismatches).toBe(0)
  })

  it('that contradict each other are evidence', () => {
    const { net, server, say } = hostile()
    const head = { server: 2, incarnation: START + 2, n: 7, signature: new Uint8Array(64) }
    say({ type: 'HEAD', ...head, head: new Uint8Array(32).fill(1) })
    say({ type: 'HEAD', ...head, head: new Uint8Array(32).fill(1) })
    say({ type: 'HEAD', ...head, head: new Uint8Array(32).fill(2) })
    net.run(10)
    expect(effectsOf(server, 'fork').map(({ first, second }) => [first.head[0], second.head[0]])).toEqual([[1, 2]])
  })

  it('that contradict what was stored are noticed', () => {
    const net = new TestNetwork(ids(2)).linkAll()
    net.loses = ({ frame }) => frame.type === 'HEAD'
    net.publish(1)
    net.run(100)
    net.tell(2, {
      type: 'frame',
      peer: 1,
      frame: { type: 'HEAD', server: 1, incarnation: START + 1, n: 1, head: new Uint8Array(32).fill(9), signature: new Uint8Array(64) },
    })
    net.run(10)
    expect(net.server(2).relay.counters.mismatches).toBe(1)
    expect(effectsOf(net.server(2), 'fork')).toEqual([])
  })
})

describe('a history that was not what its server signed', () => {
  it('is compared on from the next signed head', () => {
    const net = new TestNetwork(ids(2), { bounds: { headMessages: 2 } }).linkAll()
    net.loses = ({ to }) => to === 2
    const { entry } = net.publish(1)
    net.loses = () => false
    const other = { ...entry, canonical: entry.canonical.replace('xx', 'yx') }
    net.tell(2, { type: 'frame', peer: 1, frame: { type: 'MSG', entry: other, cover: [] } })
    net.run(100)
    for (let i = 0; i < 9; i++) net.publish(1)
    net.run(1_000)
    expect(net.frames('HEAD').length).toBeGreaterThan(3)
    expect(net.server(2).relay.counters.mismatches).toBe(1)
  })
})

describe('a link with too much queued', () => {
  it('gets digests, and the peer asks for what it lacks', () => {
    const net = new TestNetwork(ids(2)).linkAll()
    net.tell(1, { type: 'link-queue', peer: 2, bytes: 300_000, ageMs: 100 })
    const { id } = net.publish(1)
    net.run(200)
    expect(net.frames('MSG')).toEqual([])
    expect(net.server(1).relay.counters.demotions).toBe(1)
    net.run(800)
    expect(net.server(2).log).toEqual([id])
    net.tell(1, { type: 'link-queue', peer: 2, bytes: 0, ageMs: 0 })
    net.publish(1)
    expect(net.frames('MSG').length).toBe(2)
  })

  it('has less credit while much waits', () => {
    const { server, say, entry } = hostile({ bounds: { pendingBytes: 4_000 } })
    const window = server.relay.bounds.windowBytes
    for (let n = 1; n <= 2; n++) say({ type: 'MSG', entry: entry(n, { bytes: 1_000 }), cover: [] })
    server.effects.length = 0
    say({ type: 'PROBE', ranges: [{ server: 2, incarnation: START + 2, from: 1, to: 1 }] })
    expect(effectsOf(server, 'send').map(({ frame }) => frame)).toMatchObject([{ type: 'HAVE', credit: window / 16 }])
  })

  it('is also one on which too much is unconfirmed', () => {
    const net = new TestNetwork(ids(2), { bounds: { windowBytes: 3_000 } }).linkAll()
    for (let i = 0; i < 10; i++) net.publish(1, { bytes: 1_000 })
    expect(net.frames('MSG').length).toBe(3)
    net.run(3_000)
    expect(net.server(2).log.length).toBe(10)
  })
})

describe('a server that joins', () => {
  it('gets nothing to pass on before it has caught up, and then everything', () => {
    const net = new TestNetwork(ids(3)).linkAll()
    for (let i = 0; i < 100; i++) net.publish(1)
    net.run(1_000)
    net.add(4)
    net.setMembers(ids(4).map((id) => ({ id, leaving: false })))
    net.sent.length = 0
    for (const id of [1, 2, 3]) net.link(id, 4)
    const { id } = net.publish(2)
    net.run(10)
    expect(net.frames('MSG').flatMap(({ to, frame }) => [to, ...frame.cover])).not.toContain(4)
    expect(effectsOf(net.server(4), 'ready')).toEqual([])
    net.run(3_000)
    expect(effectsOf(net.server(4), 'ready').length).toBe(1)
    expect(net.server(4).log).toContain(id)
    expect(net.server(4).log.length).toBe(101)
    net.sent.length = 0
    net.publish(2)
    net.run(100)
    expect(net.frames('MSG').filter(({ to }) => to === 4).length).toBe(1)
  })
})

describe('a ring', () => {
  it('reports that the message came home', () => {
    const net = new TestNetwork(ids(6), { topology: ring }).linkAll()
    const { entry } = net.publish(2)
    net.run(1_000)
    expect(effectsOf(net.server(2), 'returned')).toEqual([{ type: 'returned', coordinate: entry.coordinate }])
    net.tell(2, { type: 'frame', peer: 1, frame: { type: 'HOME', coordinate: entry.coordinate } })
    expect(net.server(2).relay.counters.returned).toBe(1)
    expect(net.frames('MSG').length).toBe(5)
  })
})

describe('what is measured', () => {
  it('is signed and told, so that others route by it', () => {
    const net = new TestNetwork(ids(3), { latencyMs: (a, b) => (a + b === 5 ? 70 : 20) }).linkAll()
    net.run(3_000)
    expect(net.server(1).relay.router.latencies.latencyMs(2, 3)).toBeCloseTo(70, -1)
  })

  it('is not the time for which a server stood still', () => {
    const { net, server, say } = hostile()
    net.run(10_000)
    say({ type: 'PONG', at: net.nowMs - 8_000 })
    say({ type: 'PONG', at: net.nowMs + 1 })
    expect(server.relay.router.latencies.smoothed(2)).toBeCloseTo(40)
  })

  it('is receipted to who sent a message first', () => {
    const net = new TestNetwork(ids(2), { timings: { receiptMs: 1_000 } }).linkAll()
    for (let i = 0; i < 3; i++) net.publish(1)
    net.run(1_500)
    expect(effectsOf(net.server(1), 'receipt').map(({ receipt }) => receipt)).toMatchObject([
      { server: 2, sender: 1, items: [{ server: 1, incarnation: START + 1, upTo: 3, count: 3 }] },
    ])
  })
})

it("a receipt that is not a peer's for this server is not looked at", () => {
  const { server, say } = hostile()
  const receipt = { server: 2, sender: 1, clock: START, items: [] }
  const signature = new Uint8Array(64)
  say({ type: 'RECEIPT', receipt: { ...receipt, server: 3 }, signature })
  say({ type: 'RECEIPT', receipt: { ...receipt, sender: 2 }, signature })
  expect(effectsOf(server, 'check')).toEqual([])
  say({ type: 'RECEIPT', receipt, signature })
  expect(effectsOf(server, 'check').length).toBe(1)
})

describe('what a peer may not do without end', () => {
  it('send parts of a version vector', () => {
    const { server, say } = hostile()
    for (let i = 0; i < 64; i++) say({ type: 'VV', last: false, answer: false, vector: {}, floors: {} })
    expect(effectsOf(server, 'close')).toMatchObject([{ peer: 2, code: 'malformed_frame' }])
  })

  it('name servers that it made up', () => {
    const { net, server, say } = hostile()
    for (let from = 1; from <= 30_000; from += 1_000) {
      const vector = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`9-${from + i}`, [1]]))
      say({ type: 'HAVE', vector: vector as Record<`${number}-${number}`, [number]> })
    }
    net.run(1_000)
    expect(server.relay.peers.get(2)?.vector.size).toBe(16_384)
  })
})

it('a tick that comes too early is asked for again', () => {
  const net = new TestNetwork([1, 2]).linkAll()
  const { wakeMs, effects } = net.server(1)
  effects.length = 0
  net.tell(1, { type: 'tick' })
  expect(effects).toEqual([{ type: 'wake', atMs: wakeMs }])
})
