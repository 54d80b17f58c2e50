import { describe, expect, it } from 'vitest'
import { VersionVector } from '../../version-vector.ts'
import { effectsOf, message, START, TestNetwork } from './testing/network.ts'
import type { CoreFrame } from './types.ts'

/** Server 1 among `count` others, of which none hears what it says, and 2 is the nearest. */
function alone(count: number) {
  const net = new TestNetwork(count, { latencyMs: (from, to) => (from + to === 3 ? 1 : 20) }).linkAll()
  const server = net.server(1)
  server.effects.length = 0
  net.loses = () => true
  const say = (peer: number, frame: CoreFrame): void => net.tell(1, { type: 'frame', peer, frame })
  const vv = (peer: number, vector: Record<string, number[]>) =>
    say(peer, { type: 'VV', last: true, answer: false, vector: vector as Record<`${number}-${number}`, [number]>, floors: {} })
  return { net, server, say, vv }
}

describe('what a peer says that it has', () => {
  const invented = (count: number, counts: number[]) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`9-${i + 1}`, counts]))

  it('does not keep a server from what others have', () => {
    const { net, vv } = alone(3)
    for (let i = 0; i < 5; i++) {
      const vector = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`9-${i * 1_000 + at + 1}`, [1_000_000]]))
      vv(2, vector)
      net.run(1)
    }
    vv(3, { [`3-${START + 3}`]: [5] })
    net.run(400)
    expect(net.frames('WANT').filter(({ to }) => to === 3)).toMatchObject([{ frame: { ranges: [{ server: 3, from: 1, to: 5 }] } }])
  })

  it('costs little while it can not be asked for', () => {
    const { net, server, vv } = alone(3)
    vv(2, invented(1_000, [1_000_000]))
    net.run(310)
    let looks = 0
    const { intake } = server.relay
    const has = intake.has.bind(intake)
    intake.has = (origin, n) => {
      looks++
      return has(origin, n)
    }
    net.run(310)
    expect(looks).toBeLessThan(30_000)
  })

  it('is forgotten when it is not asked for any more', () => {
    const { net, server, vv } = alone(2)
    for (let i = 0; i < 40; i++) {
      vv(2, Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`9-${i * 500 + at + 1}`, [1]])))
      net.run(600)
    }
    expect(server.relay.peers.get(2)?.refused.size).toBeLessThan(10_000)
  })

  it('of an origin hides nothing that others have of it', () => {
    const { net, vv } = alone(3)
    const origin = `3-${START + 3}`
    vv(2, { [origin]: [0, 2] })
    vv(3, { [origin]: [0, 5, 6] })
    net.run(310)
    vv(2, { [origin]: [0, 2] })
    net.run(310)
    expect(net.frames('WANT').find(({ to }) => to === 3)).toMatchObject({ frame: { ranges: [{ server: 3, from: 5, to: 6 }] } })
  })

  it('is asked of others when it gives only what is here', () => {
    const { net, server, say, vv } = alone(3)
    vv(2, { '9-1': [100] })
    vv(3, { '9-1': [100] })
    net.run(305)
    expect(net.frames('PULL').map(({ to }) => to)).toEqual([2])
    const coordinate = { server: 9, incarnation: 1, n: 40 }
    say(3, { type: 'MSG', entry: { kind: 'reference', coordinate, channel: 'c', id: 'A'.repeat(43) }, cover: [] })
    net.run(5)
    const ticket = net.frames('PULL')[0]?.frame.ticket ?? 0
    net.sent.length = 0
    for (const entry of server.stored.values()) say(2, { type: 'BATCH', ticket, entries: [entry] })
    net.run(10)
    expect(net.frames('PULL').map(({ to }) => to)).toEqual([3, 3])
  })
})

describe('questions about what is to come', () => {
  const range = { server: 3, incarnation: START + 3, from: 1, to: 4_000 }

  it('do not keep a server from asking others', () => {
    const { net, say, vv } = alone(3)
    const ask = (times: number): void => {
      for (let i = 0; i < times; i++) {
        say(2, { type: 'PROBE', ranges: [range] })
        net.run(2)
      }
    }
    ask(100)
    vv(3, { [`3-${START + 3}`]: [3] })
    ask(200)
    expect(net.frames('WANT').filter(({ to }) => to === 3)).toMatchObject([{ frame: { ranges: [{ from: 1, to: 3 }] } }])
  })

  it('are not remembered without end', () => {
    const { net, server, say } = alone(2)
    for (let i = 0; i < 10; i++) {
      const ranges = Array.from({ length: 4_000 }, (_, at) => ({ server: 9, incarnation: i * 4_000 + at + 1, from: 1, to: 1 }))
      say(2, { type: 'PROBE', ranges })
    }
    const { expected } = server.relay.repair
    expect(expected.size).toBeLessThanOrEqual(4_096)
    net.run(40_000)
    expect(expected.size).toBe(0)
  })
})

describe('a later life of this server', () => {
  it('is believed of each peer seldom', () => {
    const { net, server, say } = alone(3)
    for (let i = 0; i < 600; i++) {
      say(2, { type: 'HAVE', vector: { [`1-${server.relay.incarnation}` as const]: [1_000_000 + i] } })
      net.run(100)
    }
    expect(effectsOf(server, 'outgrow').length).toBeLessThan(10)
    say(3, { type: 'HAVE', vector: { [`1-${server.relay.incarnation}` as const]: [5] } })
    expect(effectsOf(server, 'outgrow').length).toBeLessThan(10)
    expect(effectsOf(server, 'outgrow').length).toBeGreaterThan(1)
  })
})

describe('what a peer says is gone', () => {
  const origin = `3-${START + 3}` as const
  const coordinate = { server: 3, incarnation: START + 3, n: 1_000 }

  it('is not believed of a server that is linked, but asked there', () => {
    const { net, server, say } = alone(3)
    say(2, { type: 'MSG', entry: { kind: 'gone', coordinate, from: 1 }, cover: [] })
    net.run(5)
    expect(server.relay.vector.watermark(origin)).toBe(0)
    const [pull] = net.frames('PULL')
    expect(pull).toMatchObject({ to: 3, frame: { server: 3, from: 1, to: 512 } })
    say(2, { type: 'MSG', entry: { kind: 'gone', coordinate, from: 1 }, cover: [] })
    say(2, { type: 'MSG', entry: { kind: 'gone', coordinate, from: 1 }, cover: [] })
    expect(net.frames('PULL').length).toBe(2)
    const entry = { kind: 'gone', coordinate: { ...coordinate, n: 2 }, from: 1 } as const
    say(3, { type: 'BATCH', ticket: pull?.frame.ticket ?? 0, entries: [entry] })
    net.run(5)
    expect(server.relay.vector.watermark(origin)).toBe(2)
  })

  it('is not believed by its floor either', () => {
    const { net, server, say } = alone(3)
    say(2, { type: 'VV', last: true, answer: false, vector: { [origin]: [1_000] }, floors: { [origin]: 1_000 } })
    net.run(2_000)
    expect(server.relay.vector.watermark(origin)).toBe(0)
  })

  it('is not believed of one alone, as the origin may come back with what it counted', () => {
    const { net, server, say, vv } = alone(4)
    const old = `4-${START}` as const
    const at = { server: 4, incarnation: START, n: 100 }
    const claim = (peer: number, from: number, n: number) =>
      say(peer, { type: 'MSG', entry: { kind: 'gone', coordinate: { ...at, n }, from }, cover: [] })
    claim(2, 1, Number.MAX_SAFE_INTEGER)
    say(2, { type: 'VV', last: true, answer: false, vector: { [old]: [1_000] }, floors: { [old]: 1_000 } })
    net.run(2_000)
    expect(server.relay.vector.knows(old)).toBe(false)
    vv(2, {})
    claim(3, 1, 10)
    net.run(5)
    expect(server.relay.vector.watermark(old)).toBe(10)
    claim(4, 11, 20)
    net.run(5)
    expect(server.relay.vector.watermark(old)).toBe(20)
  })

  it.each([
    ['the origin', 3],
    ['those who had it from an origin that is away', 4],
  ])('is soon known when %s kept something older', (_, of) => {
    const net = new TestNetwork(3)
    net.setMembers([1, 2, 3, 4].map((id) => ({ id, leaving: false })))
    const counted = `${of}-${START + of}` as const
    for (const id of [2, 3]) {
      const { stored, incarnation } = net.server(id)
      for (let n = 1; n <= 2_000; n++) {
        const at = { server: of, incarnation: START + of, n }
        const kept = message(at, { sentAt: START, clock: START * 1_000 }).entry
        stored.set(`${counted}-${n}`, n === 1 ? kept : { kind: 'gone', coordinate: at, from: n })
      }
      net.tell(id, { type: 'recovered', vector: VersionVector.from({ [counted]: [2_000] }), floors: {}, incarnation })
    }
    net.linkAll()
    net.run(10_000)
    expect(net.server(1).relay.vector.watermark(counted)).toBe(2_000)
  })

  it('is so within what was asked for', () => {
    const { net, server, say, vv } = alone(2)
    vv(2, { '9-1': [100] })
    say(2, { type: 'MSG', entry: { kind: 'gone', coordinate: { server: 9, incarnation: 1, n: 10 }, from: 1 }, cover: [] })
    net.run(305)
    const [pull] = net.frames('PULL')
    expect(pull?.frame.from).toBe(11)
    const entry = { kind: 'gone', coordinate: { server: 9, incarnation: 1, n: 100 }, from: 2 } as const
    say(2, { type: 'BATCH', ticket: pull?.frame.ticket ?? 0, entries: [entry] })
    expect(effectsOf(server, 'close')).toMatchObject([{ code: 'unexpected_frame' }])
  })
})

it('what is ahead of time is not asked for again and again', () => {
  const { net, server, say, vv } = alone(4)
  const { entry } = message({ server: 9, incarnation: 1, n: 1 }, { sentAt: START, clock: (START + net.nowMs + 40_000) * 1_000 })
  for (const peer of [2, 3, 4]) vv(peer, { '9-1': [1] })
  let answered = 0
  for (let i = 0; i < 90; i++) {
    net.run(100)
    const wants = net.frames('WANT')
    for (const { to } of wants.slice(answered)) say(to, { type: 'MSG', entry, cover: [] })
    answered = wants.length
  }
  expect(answered).toBe(1)
  net.run(3_000)
  expect(net.frames('WANT').length).toBeGreaterThan(1)
  expect(effectsOf(server, 'close')).toEqual([])
})
