import { expect, it } from 'vitest'
import { ReceivedSteps } from './steps.ts'

it('knows what was received in any order', () => {
  const steps = new ReceivedSteps()
  for (const step of [0, 3, 1, 5]) steps.add(step)
  expect([0, 1, 2, 3, 4, 5, 6].filter((step) => steps.has(step))).toEqual([0, 1, 3, 5])
})

it('lets a client wait for its turn, whether the step has come or will', async () => {
  const { signal } = new AbortController()
  const steps = new ReceivedSteps()
  steps.add(0)
  await steps.received(0, signal)
  const order: string[] = []
  const waiting = [steps.received(2, signal).then(() => order.push('two')), steps.received(1, signal).then(() => order.push('one'))]
  steps.add(1)
  await waiting[1]
  expect(order).toEqual(['one'])
  steps.add(2)
  await waiting[0]
  expect(order).toEqual(['one', 'two'])
})

it('stops waiting when the play is ended', async () => {
  const ending = new AbortController()
  const waiting = new ReceivedSteps().received(0, ending.signal)
  ending.abort(new Error('the play was ended'))
  await expect(waiting).rejects.toThrow('the play was ended')
  await expect(new ReceivedSteps().received(0, ending.signal)).rejects.toThrow('the play was ended')
})
