import { expect, test } from 'vitest'
import { Shares } from './shares.ts'

test('is bounded for each address and in all, and what is given back can be taken again', () => {
  const shares = new Shares({ what: 'things', total: 5, perAddress: 3 })
  const back = shares.take('a', 3)
  expect(() => shares.take('a', 1)).toThrow('Too many things from one address at once: at most 3')
  shares.take('b', 2)
  expect(() => shares.take('c', 1)).toThrow('Too many things at once')
  back()
  expect(shares.held).toEqual({ total: 2, keys: 1 })
  expect(() => shares.take('a', 3)).not.toThrow()
})
