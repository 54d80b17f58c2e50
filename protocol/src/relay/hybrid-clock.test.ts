import { expect, it } from 'vitest'
import { HybridClock } from './hybrid-clock.ts'

it('goes with the time, in microseconds', () => {
  const clock = new HybridClock()
  expect([clock.tick(1_800_000_000_000), clock.tick(1_800_000_000_007)]).toEqual([1_800_000_000_000_000, 1_800_000_000_007_000])
})

it('counts on while the time stands still or goes back', () => {
  const clock = new HybridClock()
  expect([1_000, 1_000, 500, 1_000].map((ms) => clock.tick(ms))).toEqual([1_000_000, 1_000_001, 1_000_002, 1_000_003])
})

it('reads later than what it observed', () => {
  const clock = new HybridClock()
  clock.tick(1_000)
  clock.observe(5_000_000)
  clock.observe(3_000_000)
  expect([clock.tick(1_001), clock.tick(5_001)]).toEqual([5_000_001, 5_001_000])
})

it('gives integers for fractions of a millisecond', () => {
  expect(new HybridClock().tick(1_000.0009)).toBe(1_000_000)
})

it('says how far a reading is ahead', () => {
  const clock = new HybridClock()
  expect([clock.aheadMs(31_000_500, 1_000), clock.aheadMs(1_000_000, 1_000), clock.aheadMs(0, 1_000)]).toEqual([30_000.5, 0, -1_000])
})
