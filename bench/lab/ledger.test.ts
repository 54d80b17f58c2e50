import { expect, test } from 'vitest'
import { Ledger } from './ledger.ts'

/** Two channels of two subscribers: message n belongs to channel n modulo 2, subscribers 0 and 1 to channel 0. */
function ledger(): Ledger {
  return new Ledger({ channels: 2, each: 2, capacity: 100 })
}

function deliver(to: Ledger, n: number): void {
  to.sent(n, 1)
  to.acknowledged(n)
  for (const subscriber of n % 2 === 0 ? [0, 1] : [2, 3]) to.received(subscriber, n)
}

test('what is acknowledged and with every subscriber of its channel is complete', () => {
  const subject = ledger()
  const completed: number[] = []
  subject.onComplete((n) => completed.push(n))
  for (const n of [0, 1, 2, 9]) deliver(subject, n)
  expect(completed).toEqual([0, 1, 2, 9])
  expect(subject.problem()).toBeUndefined()
  expect(subject).toMatchObject({ published: 4, delivered: 8, complete: 4 })
})

test('the acknowledgement may come last', () => {
  const subject = ledger()
  subject.sent(0, 1)
  subject.received(0, 0)
  subject.received(1, 0)
  expect(subject.complete).toBe(0)
  subject.acknowledged(0)
  expect(subject.complete).toBe(1)
})

test.each<[string, (subject: Ledger) => void, string]>([
  ['a message that one subscriber lacks', (subject) => subject.received(0, 2), '1 of 2'],
  ['a message that was not acknowledged', (subject) => [0, 1].forEach((to) => subject.received(to, 2)), '1 of 2'],
])('%s is a problem', (_, happen, said) => {
  const subject = ledger()
  deliver(subject, 0)
  subject.sent(2, 1)
  happen(subject)
  expect(subject.problem()).toContain(said)
})

test.each([
  { how: 'twice', subscriber: 0, n: 0, said: '1 deliveries twice' },
  { how: 'to a subscriber of another channel', subscriber: 2, n: 0, said: '1 of what nobody sent' },
  { how: 'though it was not sent', subscriber: 0, n: 4, said: '1 of what nobody sent' },
])('a message that comes $how is a problem', ({ subscriber, n, said }) => {
  const subject = ledger()
  deliver(subject, 0)
  subject.received(subscriber, n)
  expect(subject.problem()).toContain(said)
})
