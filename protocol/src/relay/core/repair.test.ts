import { describe, expect, it } from 'vitest'
import { effectsOf, message, START, TestNetwork } from './testing/network.ts'
import type { CoreFrame } from './types.ts'

/** Server 1, to which others say things by hand; nobody hears its answers. */
function listening(count: number) {
  const net = new TestNetwork(count).linkAll()
  const server = net.server(1)
  net.loses = () => true
  const say = (peer: number, frame: CoreFrame): void => net.hear(1, peer, frame)
  return { net, server, say }
}

const origin = `9-${START}` as const

describe('what one server says is gone', () => {
  it('is asked for at another that keeps it', () => {
    const { net, server, say } = listening(3)
    say(2, { type: 'VV', last: true, answer: false, vector: { [origin]: [5] }, floors: { [origin]: 5 } })
    say(3, { type: 'VV', last: true, answer: false, vector: { [origin]: [5] }, floors: {} })
    net.run(2_000)
    expect(effectsOf(server, 'store')).toEqual([])
    expect(net.frames('WANT')[0]).toMatchObject({ to: 3, frame: { ranges: [{ server: 9, from: 1, to: 5 }] } })
  })

  it('is not gone as long as another that keeps it can only not be asked now', () => {
    const { net, server, say } = listening(3)
    const vector = { [origin]: [100] as [number] }
    say(2, { type: 'VV', last: true, answer: false, vector, floors: { [origin]: 100 } })
    say(3, { type: 'VV', last: true, answer: false, vector, floors: {} })
    net.run(320)
    const [pull] = net.frames('PULL')
    say(3, { type: 'BATCH', ticket: pull?.frame.ticket ?? 0, entries: [] })
    net.run(500)
    expect(effectsOf(server, 'store')).toEqual([])
  })
})

describe('what one server alone says is gone of a server that is not linked', () => {
  const incarnation = START + 1
  const member = `1-${incarnation}` as const

  /** Server 3, which is not linked to server 1. */
  function apart() {
    const net = new TestNetwork(4).linkAll()
    net.unlink(1, 3)
    const server = net.server(3)
    const say = (peer: number, frame: CoreFrame): void => net.hear(3, peer, frame)
    const gone = (): void =>
      say(2, { type: 'MSG', entry: { kind: 'gone', coordinate: { server: 1, incarnation, n: 4 }, from: 1 }, cover: [] })
    const later = (): void => {
      const fields = { sentAt: START + net.nowMs, clock: (START + net.nowMs) * 1_000 }
      say(2, { type: 'MSG', entry: message({ server: 1, incarnation, n: 5 }, fields).entry, cover: [] })
      net.run(100)
    }
    return { net, server, say, gone, later }
  }

  it('is believed of a gap before what is here', () => {
    const { net, server, gone, later } = apart()
    gone()
    net.run(10)
    expect(server.relay.vector.watermark(member)).toBe(0)
    later()
    gone()
    net.run(10)
    expect(server.relay.vector.watermark(member)).toBe(5)
  })

  it('is not believed while another has it', () => {
    const { net, server, say, gone, later } = apart()
    later()
    say(4, { type: 'HAVE', vector: { [member]: [5] } })
    gone()
    net.run(10)
    expect(server.relay.vector.watermark(member)).toBe(0)
  })
})

describe('what is far behind', () => {
  it('is got in parts, one after the other without a pause', () => {
    const net = new TestNetwork(2).linkAll()
    net.unlink(1, 2)
    for (let i = 0; i < 2_000; i++) net.publish(1)
    net.run(100)
    net.sent.length = 0
    net.link(1, 2)
    net.run(300 + 4 * 60 + 20)
    expect(net.server(2).log.length).toBe(2_000)
    expect(net.frames('PULL').length).toBeGreaterThanOrEqual(4)
  })
})

describe('what a peer is to send', () => {
  it('is not wanted from another that asks meanwhile', () => {
    const { net, server, say } = listening(3)
    server.effects.length = 0
    const ranges = [{ server: 9, incarnation: START, from: 1, to: 2 }]
    say(2, { type: 'PROBE', ranges })
    say(3, { type: 'PROBE', ranges })
    const wants = effectsOf(server, 'send').filter(({ frame }) => frame.type === 'WANT')
    expect(wants.map(({ peer }) => peer)).toEqual([2])
    net.run(500)
    say(3, { type: 'PROBE', ranges })
    expect(effectsOf(server, 'send').filter(({ peer, frame }) => peer === 3 && frame.type === 'WANT').length).toBe(1)
  })
})

it('an incarnation that nobody can have is not believed', () => {
  const { server, say } = listening(2)
  say(2, { type: 'HAVE', vector: { [`1-${START + 100_000_000}` as const]: [1] } })
  say(2, { type: 'HAVE', vector: { '1-9007199254740991': [1] } })
  expect(effectsOf(server, 'outgrow')).toEqual([])
})

it('of two latency rows of a server the later one counts', () => {
  const { net, server, say } = listening(3)
  const row = (clock: number, byte: number) => ({
    server: 3,
    clock,
    epoch: server.relay.router.epoch,
    roundTrips: Uint8Array.of(0, byte, 0),
  })
  const latencyMs = () => Math.round(server.relay.router.latencies.latencyMs(3, 2) ?? 0)
  const before = latencyMs()
  say(2, { type: 'LATENCY', row: row(START - 1, 130), signature: new Uint8Array(64) })
  net.run(1)
  expect(latencyMs()).toBe(before)
  say(2, { type: 'LATENCY', row: row(START + net.nowMs, 130), signature: new Uint8Array(64) })
  net.run(1)
  expect(latencyMs()).toBe(139)
})

it('what was on its way when the store was lost is forgotten with it', () => {
  const net = new TestNetwork(2).linkAll()
  const server = net.server(1)
  net.loses = ({ to }) => to === 1
  const { entry } = net.publish(2)
  net.hear(1, 2, { type: 'MSG', entry, cover: [] })
  expect(server.relay.intake.bytes).toBeGreaterThan(0)
  net.tell(1, { type: 'store-lost' })
  expect(server.relay.intake.bytes).toBe(0)
})
