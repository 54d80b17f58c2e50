import { expect, test } from 'vitest'
import { Introductions } from './introductions.ts'

test('one address does not keep the others out', () => {
  const introductions = new Introductions({ altogether: 3, ofOneAddress: 2 })
  const [first, second] = [introductions.begin('a'), introductions.begin('a')]
  expect([first, second, introductions.begin('a')]).toEqual([expect.any(Function), expect.any(Function), undefined])
  expect(introductions.begin('b')).toBeDefined()
  expect(introductions.begin('c')).toBeUndefined()
  first?.()
  expect(introductions.begin('c')).toBeDefined()
  second?.()
  expect(introductions.begin('a')).toBeDefined()
})
