import { expect, test } from 'vitest'
import { Turnstile } from './turnstile.ts'

test('so many run, so many wait, the others are turned away', async () => {
  const turnstile = new Turnstile({ running: 2, waiting: 1 })
  const running: string[] = []
  const ends = new Map<string, () => void>()
  const pass = (name: string) =>
    turnstile.pass(async () => {
      running.push(name)
      await new Promise<void>((resolve) => ends.set(name, resolve))
      if (name === 'b') throw new Error('failed')
      return name
    })
  const [a, b, c] = [pass('a'), pass('b'), pass('c')]
  expect(running).toEqual(['a', 'b'])
  await expect(pass('d')).rejects.toMatchObject({ code: 'rate_limited' })
  ends.get('b')?.()
  await expect(b).rejects.toThrow('failed')
  await expect.poll(() => running).toEqual(['a', 'b', 'c'])
  for (const name of ['a', 'c']) ends.get(name)?.()
  expect(await Promise.all([a, c])).toEqual(['a', 'c'])
  const later = [pass('e'), pass('f')]
  expect(running.slice(3)).toEqual(['e', 'f'])
  for (const name of ['e', 'f']) ends.get(name)?.()
  await Promise.all(later)
})
