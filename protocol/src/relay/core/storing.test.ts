import { describe, expect, it } from 'vitest'
import { originOf, VersionVector } from '../../version-vector.ts'
import { hostile } from './testing/hostile.ts'
import { effectsOf, START, TestNetwork } from './testing/network.ts'

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
    const net = new TestNetwork(2).linkAll()
    const { entry } = net.publish(2)
    net.run(22)
    net.tell(1, { type: 'store-lost' })
    net.sent.length = 0
    net.hear(1, 2, { type: 'MSG', entry, cover: [] })
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
    const { net, server, say } = hostile()
    say({ type: 'VV', last: true, answer: false, vector: { [`1-${START + 50}`]: [3] }, floors: {} })
    net.run(1_100)
    say({ type: 'VV', last: true, answer: false, vector: { [`1-${START + 1}`]: [3] }, floors: {} })
    expect(effectsOf(server, 'outgrow').map(({ incarnation }) => incarnation)).toEqual([START + 50, START + 1])
  })
})

describe('what expired', () => {
  it('is not stored or passed on, and not asked for again', () => {
    const net = new TestNetwork(3).linkAll()
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
