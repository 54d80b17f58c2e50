import { describe, expect, it } from 'vitest'
import { originOf } from '../../version-vector.ts'
import { message, START, TestNetwork } from './testing/network.ts'

const everywhere = (net: TestNetwork, id: string) =>
  [...net.servers.values()].every(({ log }) => log.filter((one) => one === id).length === 1)

describe('a message in a healthy neighborhood', () => {
  it('reaches every server once, and each sibling gets a cover of its own', () => {
    const net = new TestNetwork(10, { latencyMs: (a, b) => 10 + Math.abs(a - b) ** 2 }).linkAll()
    const { id } = net.publish(3)
    net.run(2_000)
    expect(everywhere(net, id)).toBe(true)
    const bodies = net.frames('MSG')
    expect(bodies.map(({ to }) => to).sort((a, b) => a - b)).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10])
    expect(bodies.some(({ frame }) => frame.cover.length > 0)).toBe(true)
    for (const { from } of bodies) {
      const served = bodies.filter((one) => one.from === from).flatMap(({ to, frame }) => [to, ...frame.cover])
      expect(new Set(served).size).toBe(served.length)
    }
    expect(net.frames('PROBE')).toEqual([])
  })

  it('is confirmed only when it is durable, to who sent it and to its origin', () => {
    const net = new TestNetwork(3).linkAll()
    const { entry } = net.publish(1)
    const origin = originOf(entry.coordinate)
    for (let ms = 0; ms < 300; ms++) {
      net.run(1)
      const saying = net.frames('HAVE').filter(({ frame }) => (frame.vector[origin]?.[0] ?? 0) >= 1)
      expect(saying.every(({ from }) => net.server(from).stored.has(`${origin}-1`))).toBe(true)
    }
    expect(net.server(1).effects.findLast(({ type }) => type === 'confirmed')).toEqual({
      type: 'confirmed',
      incarnation: START + 1,
      upTo: [1, 1, 1],
      servers: 3,
    })
  })

  it('blames nobody for a confirmation that takes the long way', () => {
    const net = new TestNetwork(3, { latencyMs: (a, b) => (a + b === 4 ? 900 : 20) }).linkAll()
    for (let i = 0; i < 10; i++) {
      net.publish(1)
      net.run(1_000)
    }
    expect(
      net
        .frames('MSG')
        .filter(({ to }) => to === 3)
        .map(({ from }) => from),
    ).toEqual(Array.from({ length: 10 }, () => 2))
    expect(net.frames('PROBE')).toEqual([])
    expect(net.server(1).relay.counters.blamed).toBe(0)
  })

  it('is not sent to a server that is leaving', () => {
    const net = new TestNetwork(3).linkAll()
    net.setMembers([1, 2, 3].map((id) => ({ id, leaving: id === 3 })))
    net.publish(1)
    net.run(100)
    expect(net.frames('MSG').map(({ to }) => to)).toEqual([2])
  })
})

describe('a message that gets lost', () => {
  it('is asked for before it is sent again', () => {
    const net = new TestNetwork(2).linkAll()
    net.loses = ({ frame }) => frame.type === 'MSG' && net.frames('MSG').length === 1
    const { id } = net.publish(1)
    net.run(1_000)
    expect(everywhere(net, id)).toBe(true)
    expect(net.frames('PROBE').length).toBe(1)
    expect(net.frames('MSG').length).toBe(2)
  })

  it('is not sent again when only the confirmation was lost', () => {
    const net = new TestNetwork(2).linkAll()
    let lost = 0
    net.loses = ({ frame }) => frame.type === 'HAVE' && lost++ === 0
    net.publish(1)
    net.run(1_000)
    expect(net.frames('PROBE').length).toBe(1)
    expect(net.frames('MSG').length).toBe(1)
  })

  it('is asked for ever less often, and then left to the exchange of vectors', () => {
    const net = new TestNetwork(2).linkAll()
    net.loses = ({ frame }) => frame.type === 'MSG'
    net.publish(1)
    net.run(20_000)
    const probes = net.frames('PROBE').filter(({ from }) => from === 1).length
    expect(probes).toBeGreaterThan(2)
    expect(net.server(1).relay.peers.get(2)?.sentBytes).toBeLessThan(1_000)
    net.loses = () => false
    net.run(5_000)
    expect(net.server(2).log.length).toBe(1)
  })

  it('is not sent to a server that said that it has it', () => {
    const net = new TestNetwork(4).linkAll()
    const { entry } = net.publish(1)
    net.run(500)
    net.sent.length = 0
    net.hear(2, 1, { type: 'MSG', entry, cover: [3] })
    net.run(500)
    expect(net.frames('MSG')).toEqual([])
  })

  it('reaches the servers behind one that died with it', () => {
    const near = (a: number, b: number) => (a === 2 || b === 2 ? 10 : 200)
    const net = new TestNetwork(6, { latencyMs: near }).linkAll()
    net.loses = ({ from, to }) => from === 2 || to === 2
    const { id } = net.publish(1)
    net.run(3_000)
    expect([3, 4, 5, 6].map((one) => net.server(one).log.includes(id))).toEqual([true, true, true, true])
    net.sent.length = 0
    net.publish(1)
    net.run(500)
    expect(net.frames('MSG').every(({ from, to }) => from !== 1 || to !== 2)).toBe(true)
  })

  it('reaches the servers behind one that confirms and does not pass on, which soon has nothing to pass on', () => {
    const near = (a: number, b: number) => (a === 2 || b === 2 ? 10 : 200)
    const net = new TestNetwork(6, { latencyMs: near }).linkAll()
    net.loses = ({ from, frame }) => from === 2 && frame.type === 'MSG'
    for (let i = 0; i < 5; i++) {
      const { id } = net.publish(1)
      net.run(3_000)
      expect(everywhere(net, id)).toBe(true)
    }
    expect(net.server(1).relay.counters.blamed).toBe(1)
    net.sent.length = 0
    net.publish(1)
    net.run(50)
    expect(net.frames('MSG').find(({ to }) => to === 2)?.frame.cover).toEqual([])
  })

  it('is found by a digest when its origin dies right after sending it to one', () => {
    const net = new TestNetwork(4).linkAll()
    net.loses = ({ from, to, frame }) => from === 1 && (to !== 2 || frame.type !== 'MSG')
    const { id } = net.publish(1)
    net.run(50)
    for (const other of [2, 3, 4]) net.unlink(1, other)
    net.run(5_000)
    expect([2, 3, 4].map((one) => net.server(one).log.includes(id))).toEqual([true, true, true])
  })
})

describe('servers that were apart', () => {
  it('have everything soon after they are linked again, each body once', () => {
    const net = new TestNetwork(4).linkAll()
    for (const a of [1, 2]) for (const b of [3, 4]) net.unlink(a, b)
    for (let i = 0; i < 700; i++) {
      net.publish(1)
      if (i % 5 === 0) net.publish(4)
      net.run(1)
    }
    net.run(1_000)
    expect(net.server(3).log.length).toBe(140)
    for (const a of [1, 2]) for (const b of [3, 4]) net.link(a, b)
    net.run(3_000)
    for (const { log } of net.servers.values()) expect(new Set(log).size).toBe(840)
    for (const { log } of net.servers.values()) expect(log.length).toBe(840)
    const { bodies, duplicates } = net.server(3).relay.counters
    expect([bodies, duplicates]).toEqual([840, 0])
  })
})

describe('what a message follows', () => {
  it('comes before it, whatever the order in which they arrive', () => {
    const net = new TestNetwork(3, { latencyMs: (a, b) => (a + b === 4 ? 300 : 20) }).linkAll()
    const first = net.publish(1)
    net.run(40)
    const server = net.server(2)
    const coordinate = { server: 2, incarnation: server.incarnation, n: ++server.appended }
    const second = message(coordinate, { sentAt: START + net.nowMs, clock: server.relay.clock.tick(START + net.nowMs), prev: [first.id] })
    server.log.push(second.id)
    server.stored.set(`${originOf(coordinate)}-1`, second.entry)
    net.tell(2, { type: 'appended', ...second })
    net.run(2_000)
    expect(net.server(3).log).toEqual([first.id, second.id])
  })

  it('is not waited for without end', () => {
    const net = new TestNetwork(2, { timings: { causalMs: 800 } }).linkAll()
    const server = net.server(1)
    const coordinate = { server: 1, incarnation: server.incarnation, n: ++server.appended }
    const orphan = message(coordinate, {
      sentAt: START + net.nowMs,
      clock: server.relay.clock.tick(START + net.nowMs),
      prev: ['x'.repeat(43)],
    })
    server.stored.set(`${originOf(coordinate)}-1`, orphan.entry)
    net.tell(1, { type: 'appended', ...orphan })
    net.run(700)
    expect(net.server(2).log).toEqual([])
    net.run(300)
    expect(net.server(2).log).toEqual([orphan.id])
    expect(net.server(2).relay.counters.causalTimeouts).toBe(1)
  })

  it('is waited for before a client is answered, for a while', () => {
    const net = new TestNetwork(2).linkAll()
    const { id } = net.publish(1)
    net.tell(2, { type: 'submitted', ticket: 1, missing: [id] })
    net.tell(2, { type: 'submitted', ticket: 2, missing: ['y'.repeat(43)] })
    const admitted = () => net.server(2).effects.flatMap((effect) => (effect.type === 'admit' ? [effect.ticket] : []))
    expect(admitted()).toEqual([])
    net.run(100)
    expect(admitted()).toEqual([1])
    net.run(2_000)
    expect(admitted()).toEqual([1, 2])
  })
})
