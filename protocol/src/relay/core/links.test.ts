import { describe, expect, it } from 'vitest'
import { effectsOf, TestNetwork } from './testing/network.ts'

describe('a peer that says nothing', () => {
  it('is given up after nine seconds in which it owed an answer', () => {
    const net = new TestNetwork(2).linkAll()
    net.loses = ({ from }) => from === 2
    net.publish(1)
    net.run(9_000)
    expect(effectsOf(net.server(1), 'close')).toEqual([])
    net.run(3_000)
    expect(effectsOf(net.server(1), 'close')[0]).toMatchObject({ peer: 2, code: 'silent' })
  })

  it('is found out although there is nothing to send', () => {
    const net = new TestNetwork(2).linkAll()
    net.loses = ({ from }) => from === 2
    net.run(60_000)
    expect(effectsOf(net.server(1), 'close')[0]).toMatchObject({ peer: 2, code: 'silent' })
  })

  it('is asked for all that it has when it is heard again', () => {
    const net = new TestNetwork(2).linkAll()
    net.loses = () => true
    net.publish(1)
    net.run(4_000)
    expect(net.server(1).relay.peers.get(2)?.suspectMs).toBeDefined()
    net.loses = () => false
    net.sent.length = 0
    net.run(1_600)
    expect(net.frames('VV').some(({ from, to, frame }) => from === 1 && to === 2 && frame.answer)).toBe(true)
    net.run(1_000)
    expect(net.server(2).log.length).toBe(1)
    expect(effectsOf(net.server(1), 'close')).toEqual([])
  })
})

describe('a link that breaks', () => {
  it('has the servers behind it asked at once', () => {
    const near = (a: number, b: number) => (a === 2 || b === 2 ? 10 : 200)
    const net = new TestNetwork(4, { latencyMs: near }).linkAll()
    net.loses = ({ from, to }) => from === 2 || to === 2
    net.publish(1)
    net.run(1)
    expect(net.frames('MSG').map(({ to, frame }) => [to, frame.cover])).toEqual([[2, [3, 4]]])
    net.unlink(1, 2)
    expect(net.frames('PROBE').map(({ from, to }) => [from, to])).toEqual([
      [1, 3],
      [1, 4],
    ])
  })

  it('has what was asked for on it got from others', () => {
    const net = new TestNetwork(3).linkAll()
    for (const other of [1, 2]) net.unlink(other, 3)
    for (let i = 0; i < 100; i++) net.publish(1)
    net.run(1_000)
    net.loses = ({ frame }) => frame.type === 'BATCH'
    for (const other of [1, 2]) net.link(other, 3)
    net.sent.length = 0
    net.run(400)
    const [asked] = net.frames('PULL')
    net.loses = () => false
    net.unlink(asked?.to ?? 0, 3)
    net.run(200)
    expect(net.frames('PULL').map(({ to }) => to)).toEqual([asked?.to, asked?.to === 1 ? 2 : 1])
    expect(net.server(3).log.length).toBe(100)
  })
})

it('what was stored while the store was asked for it is not waited for', () => {
  const net = new TestNetwork(2).linkAll()
  const { id } = net.publish(1)
  net.run(100)
  net.tell(2, { type: 'submitted', ticket: 7, missing: [id] })
  expect(effectsOf(net.server(2), 'admit')).toEqual([{ type: 'admit', ticket: 7 }])
})

it('how many servers have everything is said once', () => {
  const net = new TestNetwork(2).linkAll()
  net.server(1).effects.length = 0
  net.publish(1)
  net.run(5_000)
  expect(effectsOf(net.server(1), 'confirmed').map(({ upTo }) => upTo)).toEqual([
    [1, 0],
    [1, 1],
  ])
})
