import { expect, it } from 'vitest'
import { Causality } from './causality.ts'

it('names what was seen and not named yet, the latest four', () => {
  const causality = new Causality(1_000, () => 100)
  expect(causality.heads()).toEqual([])
  for (const id of ['a', 'b', 'c', 'd', 'e']) causality.see({ id, prev: [], sentAt: 50 })
  expect(causality.heads()).toEqual(['b', 'c', 'd', 'e'])
  causality.see({ id: 'f', prev: ['b', 'd', 'x'], sentAt: 60 })
  expect(causality.heads()).toEqual(['c', 'e', 'f'])
})

it('does not name what has expired', () => {
  let now = 1_000
  const causality = new Causality(1_000, () => now)
  causality.see({ id: 'a', prev: [], sentAt: 900 })
  causality.see({ id: 'b', prev: [], sentAt: 1_000 })
  now = 1_899
  expect(causality.heads()).toEqual(['a', 'b'])
  now = 1_900
  expect(causality.heads()).toEqual(['b'])
})
