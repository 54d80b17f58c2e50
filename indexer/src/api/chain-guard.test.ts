import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { type ChainPolicy, createChainGuard, localPolicy } from './chain-guard.ts'

const START = 3
const policy: ChainPolicy = { checkEveryMs: 10, reorgGraceMs: 60, outageGraceMs: 300 }

/** A guard on a chain whose blocks, clock and availability the test sets. */
function setup(rules: ChainPolicy) {
  const world = { timeMs: 1_000, blocks: new Map<number, Hex>([[START, '0xaa']]), reachable: true, requests: 0 }
  const guard = createChainGuard({
    startBlock: START,
    now: () => world.timeMs,
    policy: rules,
    blockHash: async (number) => {
      world.requests++
      if (!world.reachable) throw new Error('connection refused')
      return world.blocks.get(number) ?? null
    },
  })
  const verify = (number: number, hash: Hex) =>
    guard.verify({ block: { number, hash }, startHash: '0xaa' }).then(
      () => 'ok',
      (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
    )
  return { world, verify }
}

test('locally, every request is checked against the start block and the tip', async () => {
  const { world, verify } = setup(localPolicy)
  world.blocks.set(9, '0x09')
  expect(await verify(9, '0x09')).toBe('ok')
  world.blocks.set(9, '0x99')
  expect(await verify(9, '0x09')).toBe('stale_chain')
  world.blocks.delete(9)
  expect(await verify(9, '0x09')).toBe('stale_chain')
  world.blocks.set(9, '0x09').set(START, '0xbb')
  expect(await verify(9, '0x09')).toBe('stale_chain')
  world.blocks.clear()
  expect(await verify(9, '0x09')).toBe('stale_chain')
  world.reachable = false
  expect(await verify(9, '0x09')).toBe('chain_unreachable')
})

test('a check that succeeded counts for a while', async () => {
  const { world, verify } = setup(policy)
  world.blocks.set(9, '0x09')
  await verify(9, '0x09')
  const { requests } = world
  world.timeMs += 9
  expect([await verify(10, '0x10'), world.requests]).toEqual(['ok', requests])
  world.timeMs += 1
  await verify(9, '0x09')
  expect(world.requests).toBeGreaterThan(requests)
})

test('a differing tip is stale once a reorganization would have been indexed', async () => {
  const { world, verify } = setup(policy)
  expect(await verify(9, '0x09')).toBe('ok')
  world.timeMs += 30
  expect(await verify(9, '0x09')).toBe('ok')
  world.timeMs += 30
  expect(await verify(9, '0x09')).toBe('stale_chain')
  world.blocks.set(9, '0x09')
  expect(await verify(9, '0x09')).toBe('ok')
})

test('two brief mismatches far apart are not one long one', async () => {
  const { world, verify } = setup(policy)
  expect(await verify(9, '0x09')).toBe('ok')
  world.timeMs += 1_000
  expect(await verify(9, '0x09')).toBe('ok')
})

test('another start block is stale at once', async () => {
  const { world, verify } = setup(policy)
  world.blocks.set(9, '0x09')
  expect(await verify(9, '0x09')).toBe('ok')
  world.timeMs += 10
  world.blocks.set(START, '0xbb')
  expect(await verify(9, '0x09')).toBe('stale_chain')
  world.reachable = false
  expect(await verify(9, '0x09')).toBe('chain_unreachable')
})

test('an outage is bridged for a while, but only after an answer', async () => {
  const { world, verify } = setup(policy)
  world.blocks.set(9, '0x09')
  world.reachable = false
  expect(await verify(9, '0x09')).toBe('chain_unreachable')
  world.reachable = true
  expect(await verify(9, '0x09')).toBe('ok')
  world.reachable = false
  world.timeMs += 299
  expect(await verify(9, '0x09')).toBe('ok')
  world.timeMs += 1
  expect(await verify(9, '0x09')).toBe('chain_unreachable')
})
