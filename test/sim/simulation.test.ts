import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { type ProtocolName, protocolOf } from './protocols.ts'
import { savedRegressions } from './regressions.ts'
import { type Result, succeeded } from './result.ts'
import { parseScenario } from './scenario.ts'
import { simulate } from './simulation.ts'
import { byBytes, byReference, type Wire } from './wire.ts'

const short = { servers: 8, durationMs: 5_000, drainMs: 15_000, messagesPerSecond: 20, bodyBytes: 500 }

function run(
  changes: object,
  { protocol = 'spt', seed = 1, wire = byReference }: { protocol?: ProtocolName; seed?: number; wire?: Wire } = {},
): Result {
  return simulate({ scenario: parseScenario({ ...short, ...changes }), seed, protocol: protocolOf(protocol), wire }).result
}

/** Everything arrived and every invariant held. */
function expectSuccess(result: Result): void {
  expect(result.violations).toEqual([])
  expect(result.delivered).toBe(result.expected)
  expect(result.published).toBeGreaterThan(0)
}

describe('a healthy neighborhood', () => {
  const result = run({ servers: 10 })

  it('gets every message once, by nearly the shortest way, with few bytes said about it', () => {
    expectSuccess(result)
    expect(result.copiesPerServer).toBeLessThanOrEqual(1.02)
    expect(result.stretchMean).toBeLessThanOrEqual(1.15)
    expect(result.controlBytesPerMessagePerServer).toBeLessThanOrEqual(150)
  })

  it('has the same history with the same seed, and another one with another', () => {
    expect(run({ servers: 10 })).toEqual(result)
    expect(run({ servers: 10 }, { seed: 2 }).hops).not.toEqual(result.hops)
  })
})

test('servers share nothing: frames that are encoded and decoded on their way have the same effect', () => {
  const changes = { loss: 0.1, jitter: 5, faults: [{ atMs: 1_000, type: 'crash', servers: [2, 3], forMs: 2_000 }] }
  expect(run(changes, { wire: byBytes })).toEqual(run(changes))
})

describe.each(['spt', 'star', 'ring'] as const)('over the topology %s', (protocol) => {
  it.each<[string, object]>([
    ['a tenth of all frames lost', { loss: 0.1 }],
    ['a tenth of all frames sent again by TCP', { delayedLoss: 0.1 }],
    ['a third of the servers crashed', { faults: [{ atMs: 1_000, type: 'crash', servers: '30%', forMs: 3_000 }] }],
    ['a third of the servers cut off', { faults: [{ atMs: 1_000, type: 'partition', servers: '30%', forMs: 3_000 }] }],
    ['a fifth of the servers passing nothing on', { faults: [{ atMs: 0, type: 'drop-relay', servers: '20%' }] }],
  ])('everything arrives with %s', (_, changes) => {
    expectSuccess(run(changes, { protocol }))
  })
})

test.each<[string, object]>([
  ['power failures', { faults: [{ atMs: 1_000, type: 'crash', servers: [1, 2], silent: true, forMs: 3_000 }] }],
  ['frames lost one way', { faults: [{ atMs: 1_000, type: 'oneway', servers: [1, 2], forMs: 3_000 }] }],
  ['frames held up one way', { faults: [{ atMs: 1_000, type: 'oneway', servers: [1, 2], to: [5], hold: true, forMs: 3_000 }] }],
  ['slow servers', { faults: [{ atMs: 1_000, type: 'slow', servers: [1, 2], mbitPerSecond: 0.2, forMs: 3_000 }] }],
  ['processes that stand still', { faults: [{ atMs: 1_000, type: 'pause', servers: [1, 2], forMs: 3_000 }] }],
  ['wrong clocks', { faults: [{ atMs: 1_000, type: 'clock-skew', servers: [1, 2], skewMs: -20_000 }] }],
  ['disks that lose their last second', { faults: [{ atMs: 2_000, type: 'disk-loss', servers: [1, 2], forMs: 1_000 }] }],
  ['disks that lose everything', { faults: [{ atMs: 2_000, type: 'disk-loss', servers: [1, 2], lostMs: 60_000, forMs: 1_000 }] }],
  ['stores that lose their last second', { faults: [{ atMs: 2_000, type: 'disk-loss', servers: [1, 2], only: 'store', forMs: 1_000 }] }],
  [
    'servers that come and go',
    {
      faults: [
        { atMs: 500, type: 'join', servers: [9, 10] },
        { atMs: 1_500, type: 'leave', servers: [1] },
      ],
    },
  ],
  ['messages that expire', { lifetimeMs: [100, 3_000], loss: 0.1 }],
])('everything arrives with %s', (_, changes) => {
  expectSuccess(run(changes))
})

test('what nothing repairs is told', () => {
  const result = run({ loss: 0.2 }, { protocol: 'gossip' })
  expect(succeeded(result)).toBe(false)
  expect(result.deliveredRatio).toBeLessThan(1)
  expect(result.convergedMsAfterHeal).toBeNull()
  expect(result.whole).toBe(true)
})

test('what is cut off to the end is not the fault of the servers', () => {
  const result = run({ faults: [{ atMs: 1_000, type: 'partition', servers: [1, 2] }] })
  expect([result.whole, succeeded(result), result.deliveredRatio < 1]).toEqual([false, false, true])
})

test('what is lost on every store is not expected', () => {
  const result = run({ faults: [{ atMs: 4_000, type: 'disk-loss', servers: '100%', lostMs: 60_000, forMs: 500 }] })
  expect(result.violations).toEqual([])
  expect(result.expected).toBeLessThan(result.published * 7)
})

test.each(savedRegressions())('$file does not fail any more', ({ regression: { scenario, protocol } }) => {
  const { result } = simulate({ scenario: parseScenario(scenario), seed: scenario.seed, protocol: protocolOf(protocol) })
  expect(result.violations).toEqual([])
  expect(result.delivered).toBe(result.expected)
})

const examples = join(import.meta.dirname, 'scenarios')
test.each(readdirSync(examples))('the example %s can be read', (file) => {
  const value: unknown = JSON.parse(readFileSync(join(examples, file), 'utf8'))
  expect(parseScenario(value).servers).toBeGreaterThan(0)
})
