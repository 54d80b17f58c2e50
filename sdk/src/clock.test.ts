import { expect, it } from 'vitest'
import { systemClock } from './clock.ts'

it('takes a time that is longer than timers can wait for a long one', async () => {
  const ended: string[] = []
  const timers = [Number.POSITIVE_INFINITY, 2 ** 40].map((ms) => systemClock.setTimeout(() => ended.push('long'), ms))
  await new Promise<void>((resolve) => systemClock.setTimeout(resolve, 20))
  for (const timer of timers) systemClock.clearTimeout(timer)
  expect(ended).toEqual([])
})
