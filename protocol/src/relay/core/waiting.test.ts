import { expect, test } from 'vitest'
import { createRelay } from './relay.ts'

test('nothing waits for what came lately; what came long before is not remembered', () => {
  const { waiting } = createRelay({ self: 1, incarnation: 1 })
  const released: string[] = []
  for (let n = 0; n <= 16_384; n++) waiting.arrived(`id ${n}`)
  for (const id of ['id 0', 'id 1', 'id 16384']) waiting.hold([id], 1_000, () => released.push(id))
  expect(released).toEqual(['id 1', 'id 16384'])
  waiting.arrived('id 0')
  expect(released).toEqual(['id 1', 'id 16384', 'id 0'])
  waiting.clear()
  released.length = 0
  waiting.hold(['id 0'], 1_000, () => released.push('id 0'))
  for (let n = 0; n <= 16_384; n++) waiting.arrived(`later ${n}`)
  for (const id of ['later 0', 'later 1']) waiting.hold([id], 1_000, () => released.push(id))
  expect(released).toEqual(['later 1'])
})
