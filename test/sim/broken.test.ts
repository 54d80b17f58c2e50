import type { RelayEffect } from '@dred/protocol/relay'
import { expect, test } from 'vitest'
import { flood, gossip } from './comparators.ts'
import type { Protocol } from './machine.ts'
import { protocolOf } from './protocols.ts'
import { parseScenario } from './scenario.ts'
import { simulate } from './simulation.ts'

const short = { servers: 4, durationMs: 3_000, drainMs: 4_000, warmupMs: 3_000, messagesPerSecond: 20, bodyBytes: 300 }

function violated(protocol: Protocol, changes: object = {}): string[] {
  const { result } = simulate({ scenario: parseScenario({ ...short, ...changes }), seed: 7, protocol })
  return result.violations.map(({ invariant }) => invariant)
}

/** The product, with some of what it does changed. */
function spoilt(change: (effect: RelayEffect, self: number) => RelayEffect[]): Protocol {
  return (options) => {
    const machine = protocolOf('spt')(options)
    return { ...machine, step: (event, now) => machine.step(event, now).flatMap((effect) => change(effect, options.self)) }
  }
}

test('the product as it is violates nothing', () => {
  expect(violated(protocolOf('spt'))).toEqual([])
})

test('a server that has two others serve the same ones is caught', () => {
  const protocol = spoilt((effect, self) => {
    if (effect.type !== 'send' || effect.frame.type !== 'MSG') return [effect]
    const other = effect.peer === 1 || self === 1 ? 2 : 1
    return [effect, { ...effect, frame: { ...effect.frame, cover: [...effect.frame.cover, other] } }]
  })
  expect(violated(protocol)).toContain('sibling covers disjoint')
})

test('a server that stores another message at a coordinate is caught', () => {
  let before: Extract<RelayEffect, { type: 'store' }> | undefined
  const protocol = spoilt((effect) => {
    if (effect.type !== 'store' || !('canonical' in effect.entry)) return [effect]
    const canonical = before && 'canonical' in before.entry ? before.entry.canonical : effect.entry.canonical
    before = effect
    return [{ ...effect, entry: { ...effect.entry, canonical } }]
  })
  expect(violated(protocol)).toContain('one id per coordinate')
})

test('a server that says it has what it has not is caught', () => {
  const protocol = spoilt((effect) => {
    if (effect.type !== 'send' || effect.frame.type !== 'HAVE') return [effect]
    const entries = Object.entries(effect.frame.vector).map(([origin, [upTo]]) => [origin, [upTo + 1]])
    return [{ ...effect, frame: { ...effect.frame, vector: Object.fromEntries(entries) as typeof effect.frame.vector } }]
  })
  expect(violated(protocol)).toContain('vectors ⊆ stored')
})

test('a server that tells another history is caught', () => {
  const protocol = spoilt((effect) =>
    effect.type === 'send' && effect.frame.type === 'HEAD' ? [{ ...effect, frame: { ...effect.frame, n: effect.frame.n - 1 } }] : [effect],
  )
  expect(violated(protocol, { messagesPerSecond: 100 })).toContain('heads never fork')
})

test('a server that promises more than is stored is caught', () => {
  const protocol = spoilt((effect) =>
    effect.type === 'confirmed' ? [{ ...effect, upTo: effect.upTo.map(() => effect.upTo[0] ?? 0) }] : [effect],
  )
  expect(violated(protocol)).toContain('confirmed ⊆ stored')
})

test('a server that stores what has expired is caught', () => {
  expect(violated(protocolOf('spt'), { lifetimeMs: [20, 120] })).toEqual([])
  expect(violated(flood, { lifetimeMs: [20, 120] })).toContain('no message after its expiry')
})

test('a server that does not wait for what a message follows is caught', () => {
  expect(violated(flood, { jitter: 100 })).toContain('causal delivery')
  expect(violated(protocolOf('spt'), { jitter: 100 })).toEqual([])
})

test('messages that do not arrive everywhere are noticed', () => {
  expect(violated(gossip, { servers: 12 })).toContain('everything on a surviving store reaches every living server')
})

test('a server that wakes without end is noticed', () => {
  const protocol: Protocol = (options) => {
    const machine = protocolOf('spt')(options)
    return { ...machine, step: (event, now) => [...machine.step(event, now), { type: 'wake', atMs: now.monotonicMs }] }
  }
  expect(violated(protocol)).toContain('time passes')
})
