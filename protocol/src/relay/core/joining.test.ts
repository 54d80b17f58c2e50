import { describe, expect, it } from 'vitest'
import { effectsOf, TestNetwork } from './testing/network.ts'

describe('a server that joins', () => {
  it('gets nothing to pass on before it has caught up, and then everything', () => {
    const net = new TestNetwork(3).linkAll()
    for (let i = 0; i < 100; i++) net.publish(1)
    net.run(1_000)
    net.add(4)
    net.setMembers([1, 2, 3, 4].map((id) => ({ id, leaving: false })))
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

  it('has caught up only with what others had', () => {
    const net = new TestNetwork(3).linkAll()
    for (let i = 0; i < 50; i++) net.publish(1)
    net.run(1_000)
    net.add(4)
    net.setMembers([1, 2, 3, 4].map((id) => ({ id, leaving: false })))
    net.loses = ({ to, frame }) => to === 4 && (frame.type === 'BATCH' || frame.type === 'MSG')
    for (const id of [1, 2, 3]) net.link(id, 4)
    net.run(5_000)
    expect(effectsOf(net.server(4), 'ready')).toEqual([])
    net.run(6_000)
    expect(effectsOf(net.server(4), 'ready').length).toBe(1)
  })

  it('needs two others to have caught up', () => {
    const net = new TestNetwork(3).linkAll()
    net.publish(1)
    net.run(500)
    net.add(4)
    net.setMembers([1, 2, 3, 4].map((id) => ({ id, leaving: false })))
    net.link(1, 4)
    net.run(2_000)
    expect(effectsOf(net.server(4), 'ready')).toEqual([])
    net.link(2, 4)
    net.run(1_000)
    expect(effectsOf(net.server(4), 'ready').length).toBe(1)
  })
})
