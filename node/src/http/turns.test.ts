import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

/** Work that ends when it is told to. */
function jobs(turns: Turns) {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const start = (key: string, name: string): Promise<void> =>
    turns.take(key, () => {
      begun.push(name)
      return new Promise<void>((resolve) => ends.set(name, resolve))
    })
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { begun, start, end }
}

test('so much is done at once, and who asks for much does not keep the others waiting', async () => {
  const { begun, start, end } = jobs(new Turns({ total: 3, perKey: 2 }))
  const all = ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1'].map((name) => start(name.charAt(0), name))
  expect(begun).toEqual(['a1', 'a2', 'b1'])
  await end('b1')
  // `a` has its two, and `b` asked before `c`.
  expect(begun).toEqual(['a1', 'a2', 'b1', 'b2'])
  await end('a1')
  await end('a2')
  expect(begun).toEqual(['a1', 'a2', 'b1', 'b2', 'a3', 'c1'])
  for (const name of ['b2', 'a3', 'c1', 'a4']) await end(name)
  await Promise.all(all)
  expect(begun).toHaveLength(7)
})

test('work that fails makes room like any other', async () => {
  const turns = new Turns({ total: 1, perKey: 1 })
  await expect(turns.take('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await turns.take('a', async () => 'yes')).toBe('yes')
})
