import { VersionVector } from '@dred/protocol'
import { expect, test } from 'vitest'
import { Incarnation } from './incarnation.ts'

test('is the time of boot', () => {
  expect(new Incarnation(3, new VersionVector(), () => 1_000).self).toEqual({ server: 3, incarnation: 1_000 })
})

test('is later than all that the store knows of this server, whatever the clock says', () => {
  const known = VersionVector.from({ '3-5000': [7], '3-4000': [1], '4-9000': [1] })
  expect(new Incarnation(3, known, () => 1_000).self.incarnation).toBe(5_001)
})

test('grows at every renewal, also within a millisecond and when the clock goes back', () => {
  let now = 1_000
  const incarnation = new Incarnation(3, new VersionVector(), () => now)
  const seen = [incarnation.self.incarnation]
  for (const step of [0, 0, -500, 2_000]) {
    now += step
    incarnation.renew()
    seen.push(incarnation.self.incarnation)
  }
  expect(seen).toEqual([1_000, 1_001, 1_002, 1_003, 2_500])
})

test('is later than one that others know', () => {
  const incarnation = new Incarnation(3, new VersionVector(), () => 1_000)
  incarnation.renew(7_000)
  expect(incarnation.self.incarnation).toBe(7_001)
  incarnation.renew(2_000)
  expect(incarnation.self.incarnation).toBe(7_002)
})
