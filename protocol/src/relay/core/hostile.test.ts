import { describe, expect, it } from 'vitest'
import { hostile } from './testing/hostile.ts'
import { effectsOf, type NetworkOptions, START, type TestNetwork } from './testing/network.ts'

/** As `hostile`, with server 3 as a witness. */
function watched(options: NetworkOptions = {}) {
  const made = hostile({ servers: 3, ...options })
  /** Bodies that the server sent to 3. */
  const passed = () => made.net.frames('MSG').flatMap(({ from, to, frame: { entry } }) => (from === 1 && to === 3 ? [entry] : []))
  return { ...made, passed }
}

describe('what was not verified', () => {
  it('is not passed on under a coordinate that is here', () => {
    const { net, say, made, passed } = watched()
    const { entry } = made(1)
    say({ type: 'MSG', entry, cover: [] })
    net.run(5)
    say({ type: 'MSG', entry: { ...entry, canonical: 'garbage' }, cover: [3] })
    expect(passed()).toEqual([entry])
  })

  it('is not passed on under a coordinate that is here, but not in memory', () => {
    const { net, say, made, passed } = watched({ bounds: { cacheBytes: 0 } })
    const { entry } = made(1)
    say({ type: 'MSG', entry, cover: [] })
    net.run(5)
    say({ type: 'MSG', entry: { ...entry, canonical: 'garbage' }, cover: [3] })
    net.run(100)
    expect(passed()).toEqual([entry])
  })

  it('is not passed on while what was verified waits for what it follows', () => {
    const { net, say, made, passed } = watched()
    const { entry } = made(1, { prev: ['nowhere'] })
    say({ type: 'MSG', entry, cover: [] })
    net.run(5)
    say({ type: 'MSG', entry: { ...entry, canonical: 'garbage' }, cover: [3] })
    expect(passed()).toEqual([entry])
  })

  it('is not judged by what was said of another one', () => {
    const { net, server, say, made } = watched()
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
    const { net, server, say, made, passed } = watched()
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
    const { net, server, say } = watched()
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
    const { net, server, say } = watched()
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
    const { server, say } = watched()
    const beyond = Array.from({ length: 1_024 }, (_, i) => 2 + 2 * i)
    for (let i = 0; i < 2_000; i += 50) {
      const vector = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`9-${i + at + 1}`, [0, ...beyond]]))
      say({ type: 'HAVE', vector: vector as Record<`${number}-${number}`, [number]> })
    }
    expect(server.relay.peers.get(2)?.vector.exceptions).toBeLessThanOrEqual(524_288)
  })
})

describe('what a peer may not do', () => {
  it('count for another server in its present incarnation', () => {
    const { server, say, entry } = hostile()
    say({ type: 'MSG', entry: { ...entry(1), coordinate: { server: 1, incarnation: START + 1, n: 1 } }, cover: [] })
    expect(effectsOf(server, 'close')).toMatchObject([{ peer: 2, code: 'rejected_entry' }])
    expect(effectsOf(server, 'verify')).toEqual([])
  })

  it('set the clock far ahead', () => {
    const { net, server, say, entry } = hostile()
    say({ type: 'MSG', entry: entry(1, { clock: (START + net.nowMs + 30_001) * 1_000 }), cover: [] })
    expect(effectsOf(server, 'send').map(({ frame }) => frame)).toMatchObject([{ type: 'NO', reason: 'ahead' }])
    expect(server.relay.clock.tick(START)).toBeLessThan((START + net.nowMs + 30_001) * 1_000)
    say({ type: 'MSG', entry: entry(2, { clock: (START + net.nowMs + 29_999) * 1_000 }), cover: [] })
    expect(effectsOf(server, 'verify').length).toBe(1)
    // Half as far: others would refuse what is counted by it.
    expect(server.relay.clock.tick(START)).toBe((START + net.nowMs + 15_000) * 1_000 + 1)
  })

  it('have more of one origin wait than is allowed', () => {
    const { server, say, entry } = hostile({ bounds: { originBytes: 3_000 } })
    for (let n = 1; n <= 4; n++) say({ type: 'MSG', entry: entry(n, { bytes: 1_000 }), cover: [] })
    expect(effectsOf(server, 'verify').length).toBe(2)
    expect(effectsOf(server, 'send').flatMap(({ frame }) => (frame.type === 'NO' ? [frame.coordinate.n] : []))).toEqual([3, 4])
  })

  it('answer with what was not asked for', () => {
    const { net, server, say, entry } = hostile({ timings: { graceMs: 10 } })
    say({ type: 'VV', last: true, answer: false, vector: { [`2-${START + 2}`]: [100] }, floors: {} })
    net.sent.length = 0
    net.run(20)
    const [pull] = net.frames('PULL')
    expect(pull?.frame).toMatchObject({ server: 2, from: 1, to: 100 })
    say({ type: 'BATCH', ticket: pull?.frame.ticket ?? 0, entries: [entry(101)] })
    expect(effectsOf(server, 'close')).toMatchObject([{ peer: 2, code: 'unexpected_frame' }])
  })

  it('keep a server busy with ranges that have no end', () => {
    const { server, say } = hostile()
    const range = { server: 9, incarnation: 1, from: 1, to: Number.MAX_SAFE_INTEGER }
    say({ type: 'PROBE', ranges: [range, range] })
    say({ type: 'WANT', ranges: [range, range] })
    say({ type: 'PULL', ticket: 1, ...range })
    expect(effectsOf(server, 'send').map(({ frame }) => frame.type)).toEqual(['HAVE', 'WANT'])
    expect(effectsOf(server, 'read')).toMatchObject([{ from: 1, to: 512, limit: 512 }])
  })

  it('say what no store can hold', () => {
    const { net, server, say } = hostile()
    say({ type: 'VV', last: true, answer: false, vector: { [`9-${START}`]: [Number.MAX_SAFE_INTEGER] }, floors: {} })
    net.run(3_000)
    expect(effectsOf(server, 'close')).toEqual([])
    expect(net.frames('PULL').length).toBeLessThan(20)
  })
})

describe('what a peer may not do without end', () => {
  it('send parts of a version vector', () => {
    const { server, say } = hostile()
    for (let i = 0; i < 64; i++) say({ type: 'VV', last: false, answer: false, vector: {}, floors: {} })
    expect(effectsOf(server, 'close')).toMatchObject([{ peer: 2, code: 'malformed_frame' }])
  })

  it('name servers that it made up', () => {
    const { net, server, say } = hostile()
    for (let from = 1; from <= 30_000; from += 1_000) {
      const vector = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`9-${from + i}`, [1]]))
      say({ type: 'HAVE', vector: vector as Record<`${number}-${number}`, [number]> })
    }
    net.run(1_000)
    expect(server.relay.peers.get(2)?.vector.size).toBe(16_384)
  })
})

it("a receipt that is not a peer's for this server is not looked at", () => {
  const { server, say } = hostile()
  const receipt = { server: 2, sender: 1, clock: START, items: [] }
  const signature = new Uint8Array(64)
  say({ type: 'RECEIPT', receipt: { ...receipt, server: 3 }, signature })
  say({ type: 'RECEIPT', receipt: { ...receipt, sender: 2 }, signature })
  expect(effectsOf(server, 'check')).toEqual([])
  say({ type: 'RECEIPT', receipt, signature })
  expect(effectsOf(server, 'check').length).toBe(1)
})
