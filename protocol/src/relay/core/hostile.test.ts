import { describe, expect, it } from 'vitest'
import { message, START, TestNetwork, type TestServer } from './testing/network.ts'
import type { CoreFrame, RelayEffect } from './types.ts'

const effectsOf = <T extends RelayEffect['type']>(server: TestServer, type: T) =>
  server.effects.filter((effect): effect is Extract<RelayEffect, { type: T }> => effect.type === type)

/** Servers 1 and 3, which are honest, and 2, of which 1 hears what a test wants it to say. */
function hostile(options: ConstructorParameters<typeof TestNetwork>[1] = {}) {
  const net = new TestNetwork([1, 2, 3], options).linkAll()
  const server = net.server(1)
  server.effects.length = 0
  const say = (frame: CoreFrame): void => net.tell(1, { type: 'frame', peer: 2, frame })
  const made = (n: number, fields: Partial<Parameters<typeof message>[1]> = {}) =>
    message({ server: 2, incarnation: START + 2, n }, { sentAt: START + net.nowMs, clock: (START + net.nowMs) * 1_000, ...fields })
  /** Bodies that the server sent to 3. */
  const passed = () => net.frames('MSG').flatMap(({ from, to, frame: { entry } }) => (from === 1 && to === 3 ? [entry] : []))
  return { net, server, say, made, passed }
}

describe('what was not verified', () => {
  it('is not passed on under a coordinate that is here', () => {
    const { net, say, made, passed } = hostile()
    const { entry } = made(1)
    say({ type: 'MSG', entry, cover: [] })
    net.run(5)
    say({ type: 'MSG', entry: { ...entry, canonical: 'garbage' }, cover: [3] })
    expect(passed()).toEqual([entry])
  })

  it('is not passed on under a coordinate that is here, but not in memory', () => {
    const { net, say, made, passed } = hostile({ bounds: { cacheBytes: 0 } })
    const { entry } = made(1)
    say({ type: 'MSG', entry, cover: [] })
    net.run(5)
    say({ type: 'MSG', entry: { ...entry, canonical: 'garbage' }, cover: [3] })
    net.run(100)
    expect(passed()).toEqual([entry])
  })

  it('is not passed on while what was verified waits for what it follows', () => {
    const { net, say, made, passed } = hostile()
    const { entry } = made(1, { prev: ['nowhere'] })
    say({ type: 'MSG', entry, cover: [] })
    net.run(5)
    say({ type: 'MSG', entry: { ...entry, canonical: 'garbage' }, cover: [3] })
    expect(passed()).toEqual([entry])
  })

  it('is not judged by what was said of another one', () => {
    const { net, server, say, made } = hostile()
    const { entry, id } = made(1)
    say({ type: 'MSG', entry, cover: [3] })
    net.tell(1, { type: 'recovered', vector: server.relay.vector, floors: {}, incarnation: START + 10 })
    net.sent.length = 0
    say({ type: 'MSG', entry: { ...entry, canonical: 'garbage' }, cover: [3] })
    net.tell(1, { type: 'verified', coordinate: entry.coordinate, id, missing: [], expiresAt: entry.expiresAt })
    expect(net.frames('MSG')).toEqual([])
    expect(effectsOf(server, 'store')).toEqual([])
    net.tell(1, { type: 'rejected', coordinate: entry.coordinate, detail: '' })
    expect(effectsOf(server, 'close')).toEqual([])
  })

  it('does not say when it expires', () => {
    const { net, server, say, made, passed } = hostile()
    const { entry, id } = made(1)
    const lie = { ...entry, expiresAt: 1 }
    say({ type: 'MSG', entry: lie, cover: [3] })
    net.tell(1, { type: 'verified', coordinate: entry.coordinate, id, missing: [], expiresAt: entry.expiresAt })
    expect(passed()).toEqual([entry])
    expect(effectsOf(server, 'store')).toMatchObject([{ entry: lie }])
    expect(server.relay.forwarder.cache.get(`2-${START + 2}-1`)).toEqual(entry)
  })
})

describe('names that a peer invents', () => {
  const gone = (server: number, incarnation: number, [from, n]: [number, number]) =>
    ({ type: 'MSG', entry: { kind: 'gone', coordinate: { server, incarnation, n }, from }, cover: [] }) as const
  /** What another server makes of all that server 1 says it has. */
  const told = (net: TestNetwork) => {
    net.sent.length = 0
    net.unlink(1, 3)
    net.link(1, 3)
    net.run(100)
    return net.server(3).effects.filter(({ type }) => type === 'close')
  }

  it('fill no store with origins, and leave room for who is linked', () => {
    const { net, server, say } = hostile()
    for (let i = 1; i <= 8_500; i++) {
      say(gone(9, i, [1, 1]))
      if (i % 100 === 0) net.run(5)
    }
    expect(server.relay.vector.size).toBeLessThan(8_200)
    expect(server.relay.counters.refused.quota).toBeGreaterThan(300)
    net.publish(3)
    net.run(200)
    expect(server.relay.vector.has(`3-${START + 3}`, 1)).toBe(true)
    for (let i = 1; i <= 20; i++) {
      say({ type: 'STATE', incarnation: START + 100 + i, epoch: 0, joining: false, credit: 0 })
      say(gone(2, START + 100 + i, [1, 1]))
    }
    net.run(5)
    expect(server.relay.vector.size).toBeLessThan(8_210)
  })

  it('fill no store with counts beyond gaps', () => {
    const { net, server, say } = hostile()
    for (let i = 1; i <= 4_200; i++) {
      say(gone(9, i, [3, 1_026]))
      if (i % 100 === 0) net.run(5)
    }
    expect(server.relay.vector.exceptions).toBeLessThanOrEqual(65_536)
    expect(told(net)).toEqual([])
    say(gone(9, 1, [1, 2]))
    net.run(5)
    expect(server.relay.vector.watermark('9-1')).toBe(1_026)
  })

  it('are not remembered without end as what it has', () => {
    const { server, say } = hostile()
    const beyond = Array.from({ length: 1_024 }, (_, i) => 2 + 2 * i)
    for (let i = 0; i < 2_000; i += 50) {
      const vector = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`9-${i + at + 1}`, [0, ...beyond]]))
      say({ type: 'HAVE', vector: vector as Record<`${number}-${number}`, [number]> })
    }
    expect(server.relay.peers.get(2)?.vector.exceptions).toBeLessThanOrEqual(524_288)
  })
})
