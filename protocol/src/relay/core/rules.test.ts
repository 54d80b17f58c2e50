import { describe, expect, it } from 'vitest'
import { ring } from '../topologies/index.ts'
import { hostile } from './testing/hostile.ts'
import { effectsOf, START, TestNetwork } from './testing/network.ts'

describe('how many servers have everything', () => {
  it('is said anew when servers come or go', () => {
    const net = new TestNetwork(3).linkAll()
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

describe('a link with too much queued', () => {
  it('gets digests, and the peer asks for what it lacks', () => {
    const net = new TestNetwork(2).linkAll()
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
    const net = new TestNetwork(2, { bounds: { windowBytes: 3_000 } }).linkAll()
    for (let i = 0; i < 10; i++) net.publish(1, { bytes: 1_000 })
    expect(net.frames('MSG').length).toBe(3)
    net.run(3_000)
    expect(net.server(2).log.length).toBe(10)
  })
})

describe('a ring', () => {
  it('reports that the message came home', () => {
    const net = new TestNetwork(6, { topology: ring }).linkAll()
    const { entry } = net.publish(2)
    net.run(1_000)
    expect(effectsOf(net.server(2), 'returned')).toEqual([{ type: 'returned', coordinate: entry.coordinate }])
    net.hear(2, 1, { type: 'HOME', coordinate: entry.coordinate })
    expect(net.server(2).relay.counters.returned).toBe(1)
    expect(net.frames('MSG').length).toBe(5)
  })
})

describe('what is measured', () => {
  it('is signed and told, so that others route by it', () => {
    const net = new TestNetwork(3, { latencyMs: (a, b) => (a + b === 5 ? 70 : 20) }).linkAll()
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
    const net = new TestNetwork(2, { timings: { receiptMs: 1_000 } }).linkAll()
    for (let i = 0; i < 3; i++) net.publish(1)
    net.run(1_500)
    expect(effectsOf(net.server(1), 'receipt').map(({ receipt }) => receipt)).toMatchObject([
      { server: 2, sender: 1, items: [{ server: 1, incarnation: START + 1, upTo: 3, count: 3 }] },
    ])
  })
})

it('a tick that comes too early is asked for again', () => {
  const net = new TestNetwork(2).linkAll()
  const { wakeMs, effects } = net.server(1)
  effects.length = 0
  net.tell(1, { type: 'tick' })
  expect(effects).toEqual([{ type: 'wake', atMs: wakeMs }])
})
