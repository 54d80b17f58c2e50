import { expect, test } from 'vitest'
import { TokenBucket } from './token-bucket.ts'

const rate = { burst: 10, perSecond: 2 }

test('is full at first, empties, and fills again at its rate', () => {
  const bucket = new TokenBucket(rate, 0)
  expect(bucket.take(rate, 10, 0)).toBe(true)
  expect(bucket.take(rate, 1, 499)).toBe(false)
  expect(bucket.waitMs(rate, 1, 0)).toBe(500)
  expect(bucket.take(rate, 1, 500)).toBe(true)
  expect(bucket.level(rate, 1_000_000)).toBe(10)
  expect(bucket.waitMs(rate, 11, 1_000_000)).toBe(Number.POSITIVE_INFINITY)
})

test('takes nothing when there is not enough', () => {
  const bucket = new TokenBucket(rate, 0)
  expect(bucket.take(rate, 11, 0)).toBe(false)
  expect(bucket.level(rate, 0)).toBe(10)
})

test('a clock that was set back gives nothing', () => {
  const bucket = new TokenBucket(rate, 10_000)
  bucket.take(rate, 10, 10_000)
  expect(bucket.level(rate, 5_000)).toBe(0)
})

test('gives back no more than it holds', () => {
  const bucket = new TokenBucket(rate, 0)
  bucket.take(rate, 3, 0)
  bucket.give(rate, 5, 0)
  expect(bucket.level(rate, 0)).toBe(10)
})
