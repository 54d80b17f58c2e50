import { expect, test } from 'vitest'
import { count, remaining } from './units.ts'

test.each([
  [0, '0 s'],
  [119, '119 s'],
  [120, '2 m'],
  [7_199, '119 m'],
  [7_200, '2 h'],
  [172_799, '47 h'],
  [172_800, '2 d'],
])('what remains of %d seconds is %s', (seconds, text) => {
  expect(remaining(seconds)).toBe(text)
})

test('one thing is not several', () => {
  expect([0, 1, 2].map((number) => count(number, 'server'))).toEqual(['0 servers', '1 server', '2 servers'])
})
