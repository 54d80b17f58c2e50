import { expect, test } from 'vitest'
import { checkHands, type Example } from './example.ts'

function refusing(problems: string[]): Example {
  const unused = () => Promise.reject(new Error('Not asked for'))
  const check = async () => {
    if (problems.length > 0) throw Object.assign(new Error('refused'), { problems })
  }
  return { checkHands: check, run: unused, startPage: unused }
}

test('a file that can be played passes', async () => {
  await expect(checkHands(refusing([]), 'a.phh')).resolves.toBeUndefined()
})

test('one that cannot is refused in one sentence with the first problems', async () => {
  await expect(checkHands(refusing(['hand [1] antes: is missing']), 'a.phh')).rejects.toMatchObject({
    exitCode: 2,
    code: 'hands_invalid',
    message: 'a.phh cannot be played (hand [1] antes: is missing): check --hands.',
  })
  await expect(checkHands(refusing(['a', 'b', 'c', 'd', 'e']), 'a.phh')).rejects.toThrow('(a; b; c; and 2 more)')
})
