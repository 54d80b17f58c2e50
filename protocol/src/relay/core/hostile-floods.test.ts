import { describe, expect, it } from 'vitest'
import { originOf } from '../../version-vector.ts'
import { decodeFrame, encodeFrame } from '../index.ts'
import { hostile } from './testing/hostile.ts'
import { effectsOf, START } from './testing/network.ts'

const signature = new Uint8Array(64)
const head = (n: number, byte: number) => ({ server: 2, incarnation: START + 2, n, head: new Uint8Array(32).fill(byte), signature })

describe('a server that signs two histories', () => {
  it('does not hide them behind a later incarnation that it speaks of', () => {
    const { net, server, say } = hostile()
    say({ type: 'STATE', incarnation: Number.MAX_SAFE_INTEGER, epoch: 0, joining: false, credit: 1_000 })
    say({ type: 'HEAD', ...head(1, 1) })
    net.run(1)
    say({ type: 'HEAD', ...head(1, 2) })
    net.run(1)
    expect(effectsOf(server, 'fork').length).toBe(1)
  })

  it('does not hide them behind what others say that it counted', () => {
    const { net, server, say } = hostile()
    say({ type: 'HEAD', ...head(1, 1) })
    net.run(1)
    const coordinate = { server: 2, incarnation: START + 1_000, n: 1 }
    say({ type: 'MSG', entry: { kind: 'reference', coordinate, channel: 'c', id: 'A'.repeat(43) }, cover: [] })
    net.run(5)
    say({ type: 'HEAD', ...head(1, 2) })
    net.run(1)
    expect(effectsOf(server, 'fork').length).toBe(1)
  })
})

it('what servers count that nobody registered is not chained', () => {
  const { net, server, say } = hostile()
  const at = { server: 9, incarnation: 1, n: 1 }
  say({ type: 'MSG', entry: { kind: 'reference', coordinate: at, channel: 'c', id: 'A'.repeat(43) }, cover: [] })
  net.run(5)
  say({ type: 'HEAD', ...head(1, 1), ...at })
  net.run(5)
  expect(server.relay.counters.mismatches).toBe(0)
})

describe('a flood', () => {
  it('of statements costs so many signatures', () => {
    const { net, server, say } = hostile()
    for (let n = 1; n <= 2_000; n++) say({ type: 'HEAD', ...head(n, 1) })
    expect(effectsOf(server, 'check').length).toBe(256)
    net.run(4_000)
    say({ type: 'HEAD', ...head(3_000, 1) })
    expect(effectsOf(server, 'check').length).toBe(257)
  })

  it('of version vectors is answered once in a while', () => {
    const { net, server, say } = hostile()
    net.publish(1)
    net.sent.length = 0
    for (let i = 0; i < 100; i++) say({ type: 'VV', last: true, answer: true, vector: {}, floors: {} })
    expect(effectsOf(server, 'send').filter(({ frame }) => frame.type === 'HAVE').length).toBe(1)
    net.run(300)
    server.effects.length = 0
    say({ type: 'VV', last: true, answer: true, vector: {}, floors: {} })
    expect(effectsOf(server, 'send').filter(({ frame }) => frame.type === 'HAVE').length).toBe(1)
  })

  it('of bodies from one peer leaves room for those of others', () => {
    const { net, server, say, made } = hostile({ servers: 3, bounds: { senderBytes: 30_000, pendingBytes: 60_000, originBytes: 20_000 } })
    for (let i = 1; i <= 100; i++) {
      const { entry } = made(1, { prev: ['nowhere'], bytes: 1_000 })
      say({ type: 'MSG', entry: { ...entry, coordinate: { server: 9, incarnation: i, n: 1 } }, cover: [] })
    }
    net.run(5)
    expect(server.relay.intake.bytes).toBeLessThanOrEqual(30_000)
    net.publish(3, { bytes: 1_000 })
    net.run(200)
    expect(server.relay.vector.has(`3-${START + 3}`, 1)).toBe(true)
  })
})

describe('what is said of very many origins', () => {
  const ranges = Array.from({ length: 4_000 }, (_, i) => ({ server: 9, incarnation: i + 1, from: 1, to: 1 }))

  it('goes in frames that others can read', () => {
    const { net, say } = hostile()
    net.sent.length = 0
    say({ type: 'PROBE', ranges })
    const said = net.sent.filter(({ from, frame }) => from === 1 && frame.type === 'HAVE').map(({ frame }) => frame)
    for (const frame of said) expect(decodeFrame(encodeFrame(frame).subarray(4))).toMatchObject({ type: 'HAVE' })
    expect(said.flatMap((frame) => (frame.type === 'HAVE' ? Object.keys(frame.vector) : [])).length).toBe(4_000)
  })

  it('is asked in frames that others can read', () => {
    const { net, server } = hostile()
    const peer = server.relay.peers.get(2)
    net.sent.length = 0
    const coordinates = Array.from({ length: 20_000 }, (_, i) => ({ server: 9, incarnation: i + 1, n: 1 }))
    if (peer) server.relay.forwarder.probe(peer, coordinates)
    net.tell(1, { type: 'tick' })
    const asked = net.frames('PROBE').flatMap(({ frame }) => {
      const decoded = decodeFrame(encodeFrame(frame).subarray(4))
      return decoded.type === 'PROBE' ? decoded.ranges : []
    })
    expect(new Set(asked.map(originOf)).size).toBe(20_000)
  })
})
