import { describe, expect, it } from 'vitest'
import { emptyHead, nextHead } from '../../statements/heads.ts'
import { hostile } from './testing/hostile.ts'
import { effectsOf, START, TestNetwork } from './testing/network.ts'

describe('heads', () => {
  it('are signed after 64 messages, or after a time', () => {
    const net = new TestNetwork(2).linkAll()
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

  it('are signed once somebody is linked', () => {
    const net = new TestNetwork(2)
    for (let i = 0; i < 100; i++) net.publish(1)
    net.run(60_000)
    const signed = () => effectsOf(net.server(1), 'sign').flatMap(({ statement }) => (statement.kind === 'head' ? [statement.head.n] : []))
    expect(signed()).toEqual([])
    net.linkAll().run(30_000)
    expect(signed()).toEqual([100])
    expect(net.frames('HEAD').map(({ to, frame }) => [to, frame.n])).toEqual([[2, 100]])
    expect(net.server(2).relay.counters.mismatches).toBe(0)
  })

  it('are those of the statement that the chain judges', () => {
    const net = new TestNetwork(2, { bounds: { headMessages: 3 } }).linkAll()
    const ids = Array.from({ length: 3 }, () => `0x${Buffer.from(net.publish(1).id, 'base64url').toString('hex')}` as const)
    net.run(100)
    const [head] = net.frames('HEAD').map(({ frame }) => `0x${Buffer.from(frame.head).toString('hex')}`)
    expect(head).toBe(ids.reduce(nextHead, emptyHead))
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
    const net = new TestNetwork(2).linkAll()
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
    const net = new TestNetwork(2, { bounds: { headMessages: 2 } }).linkAll()
    net.loses = ({ to }) => to === 2
    const { entry } = net.publish(1)
    net.loses = () => false
    const other = { ...entry, canonical: entry.canonical.replace('xx', 'yx') }
    net.hear(2, 1, { type: 'MSG', entry: other, cover: [] })
    net.run(100)
    for (let i = 0; i < 9; i++) net.publish(1)
    net.run(1_000)
    expect(net.frames('HEAD').length).toBeGreaterThan(3)
    expect(net.server(2).relay.counters.mismatches).toBe(1)
  })
})
