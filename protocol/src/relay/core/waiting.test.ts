import { expect, test } from 'vitest'
import { createRelay } from './relay.ts'
import { step } from './step.ts'

test('nothing waits for what came lately; what came long before is not remembered', () => {
  const { waiting } = createRelay({ self: 1, incarnation: 1 })
  const released: string[] = []
  for (let n = 0; n <= 16_384; n++) waiting.arrived(`id ${n}`)
  for (const id of ['id 0', 'id 1', 'id 16384']) waiting.hold({ missing: [id], release: () => released.push(id) }, 1_000)
  expect(released).toEqual(['id 1', 'id 16384'])
  waiting.arrived('id 0')
  expect(released).toEqual(['id 1', 'id 16384', 'id 0'])
  waiting.clear()
  released.length = 0
  waiting.hold({ missing: ['id 0'], release: () => released.push('id 0') }, 1_000)
  for (let n = 0; n <= 16_384; n++) waiting.arrived(`later ${n}`)
  for (const id of ['later 0', 'later 1']) waiting.hold({ missing: [id], release: () => released.push(id) }, 1_000)
  expect(released).toEqual(['later 1'])
})

test('what waited for long enough goes after what it follows and waited for less', () => {
  const relay = createRelay({ self: 1, incarnation: 1 })
  const released: string[] = []
  const hold = (id: string, missing: string[]) => relay.waiting.hold({ id, missing, release: () => released.push(id) }, 1_000)
  hold('e', ['d', 'c'])
  const at = (monotonicMs: number) => step(relay, { type: 'tick' }, { monotonicMs, unixMs: 0 })
  at(500)
  hold('d', ['b', 'c'])
  hold('c', ['b', 'never came'])
  hold('b', ['a'])
  hold('x', ['a'])
  at(999)
  expect(released).toEqual([])
  at(1_000)
  expect(released).toEqual(['b', 'c', 'd', 'e'])
  expect(relay.counters.causalTimeouts).toBe(4)
  relay.waiting.arrived('a')
  expect(released.at(-1)).toBe('x')
})

test('a long history in which everything follows everything is let go at once', () => {
  const relay = createRelay({ self: 1, incarnation: 1 })
  const released: number[] = []
  for (let n = 10_000; n > 0; n--) {
    const missing = [1, 2, 3, 4].map((back) => `id ${n - back}`)
    relay.waiting.hold({ id: `id ${n}`, missing, release: () => released.push(n) }, 1_000)
  }
  step(relay, { type: 'tick' }, { monotonicMs: 1_000, unixMs: 0 })
  expect(released).toEqual(Array.from({ length: 10_000 }, (_, i) => i + 1))
})
