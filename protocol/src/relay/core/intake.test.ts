import { describe, expect, it } from 'vitest'
import { originOf } from '../../version-vector.ts'
import { effectsOf, START, TestNetwork } from './testing/network.ts'
import type { BodyEntry, CoreFrame } from './types.ts'

/** A message of server 2 as server 1 gets it from others, before its store and its verifier have said anything. */
function arriving() {
  const net = new TestNetwork(4).linkAll()
  const server = net.server(1)
  net.loses = ({ to }) => to === 1
  const { entry, id } = net.publish(2, { lifetimeMs: 60_000 })
  server.effects.length = 0
  const from = (peer: number, frame: CoreFrame): void => net.hear(1, peer, frame)
  const said = (peer: number): CoreFrame[] => effectsOf(server, 'send').flatMap((effect) => (effect.peer === peer ? [effect.frame] : []))
  return { net, server, from, said, entry, id, origin: originOf(entry.coordinate) }
}

/** Without the test network's own store and verifier. */
function byHand(net: TestNetwork, { entry, id }: { entry: BodyEntry; id: string }, expiresAt = entry.expiresAt): void {
  net.tell(1, { type: 'verified', coordinate: entry.coordinate, id, missing: [], expiresAt })
}

describe('a message that comes twice', () => {
  it('is verified once and confirmed to both who sent it', () => {
    const { net, server, from, said, entry, origin } = arriving()
    from(2, { type: 'MSG', entry, cover: [] })
    from(3, { type: 'MSG', entry, cover: [] })
    net.run(200)
    expect(effectsOf(server, 'verify').length).toBe(1)
    expect(effectsOf(server, 'store').length).toBe(1)
    for (const peer of [2, 3]) expect(said(peer)).toContainEqual(expect.objectContaining({ type: 'HAVE', vector: { [origin]: [1] } }))
    expect(server.relay.counters).toMatchObject({ bodies: 2, duplicates: 1 })
  })

  it('when it is stored already, is confirmed and not verified again', () => {
    const { net, server, from, said, entry, origin } = arriving()
    from(2, { type: 'MSG', entry, cover: [] })
    net.run(500)
    server.effects.length = 0
    from(3, { type: 'MSG', entry, cover: [] })
    net.run(50)
    expect(effectsOf(server, 'verify')).toEqual([])
    expect(said(3)).toContainEqual(expect.objectContaining({ type: 'HAVE', vector: { [origin]: [1] } }))
    expect(server.relay.counters.duplicates).toBe(1)
  })

  it('serves the servers of both covers, each once', () => {
    const { net, from, said, entry, id } = arriving()
    from(2, { type: 'MSG', entry, cover: [3] })
    byHand(net, { entry, id })
    from(2, { type: 'MSG', entry, cover: [3, 4] })
    expect([3, 4].map((peer) => said(peer).filter(({ type }) => type === 'MSG').length)).toEqual([1, 1])
  })
})

describe('a message that has expired', () => {
  it('when it was verified, is neither stored nor passed on', () => {
    const { net, server, from, said, entry, id } = arriving()
    from(2, { type: 'MSG', entry, cover: [3] })
    byHand(net, { entry, id }, START + net.nowMs)
    expect(effectsOf(server, 'store').map(({ entry: stored }) => stored)).toEqual([{ kind: 'gone', coordinate: entry.coordinate, from: 1 }])
    expect(said(3).filter(({ type }) => type === 'MSG')).toEqual([])
  })

  it('while it waited for what it follows, is not stored', () => {
    const { net, server, from, entry, id } = arriving()
    from(2, { type: 'MSG', entry, cover: [] })
    net.tell(1, {
      type: 'verified',
      coordinate: entry.coordinate,
      id,
      missing: ['m'.repeat(43)],
      expiresAt: START + net.nowMs + 1_000,
    })
    net.run(6_000)
    expect(effectsOf(server, 'store').map(({ entry: stored }) => stored.kind)).toEqual(['gone'])
  })

  it('on its way, is not passed on when it comes once more', () => {
    const { net, from, said, entry } = arriving()
    from(2, { type: 'MSG', entry, cover: [] })
    net.run(61_000)
    from(2, { type: 'MSG', entry, cover: [3] })
    expect(said(3).filter(({ type }) => type === 'MSG')).toEqual([])
  })
})
