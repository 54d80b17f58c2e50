import { expect, it } from 'vitest'
import { Backoff } from './backoff.ts'
import { Quarantine } from './quarantine.ts'

it('doubles the longest wait up to a ceiling, and begins anew after a success', () => {
  const backoff = new Backoff({ minMs: 100, maxMs: 5_000 }, () => 1)
  expect(Array.from({ length: 8 }, () => backoff.next())).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
  backoff.reset()
  expect(backoff.next()).toBe(100)
})

it('waits any time up to the longest', () => {
  const draws = [0, 0.5, 0.999]
  const backoff = new Backoff({ minMs: 100, maxMs: 100 }, () => draws.shift() ?? 1)
  expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([0, 50, 99.9])
})

it('keeps an offender away twice as long each time, until it has behaved for long enough', () => {
  let now = 1_000
  const quarantine = new Quarantine({ minMs: 100, maxMs: 300 }, () => now)
  const offend = () => {
    quarantine.add(7)
    const remainingMs = quarantine.remainingMs(7)
    now += remainingMs
    return remainingMs
  }
  expect([offend(), offend(), offend(), offend()]).toEqual([100, 200, 300, 300])
  expect([quarantine.remainingMs(7), quarantine.remainingMs(8)]).toEqual([0, 0])
  now += 301
  expect(offend()).toBe(100)
})
