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
