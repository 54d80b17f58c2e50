import { expect, test } from 'vitest'
import { paths, routes } from '@dred/protocol'
import { bodyWork, routeCost } from './costs.ts'

test('what asks for more than a simple request costs more', () => {
  const costly = Object.entries(routes).filter(([, { method, path }]) => routeCost(method, path).work > 1)
  expect(costly.map(([name]) => name).sort()).toEqual(
    [
      'approve',
      'channelMessages',
      'createChannel',
      'invite',
      'issueCapability',
      'join',
      'leave',
      'listChannels',
      'openSession',
      'remove',
      'revokeDelegation',
      'streamChannel',
      'streamChannels',
    ].sort(),
  )
  expect(routeCost('GET', undefined)).toEqual({ work: 1 })
  expect(routeCost('POST', paths.revokeDelegation).tokens).toBe(20)
  for (const [method, path] of [
    ['GET', '/channels'],
    ['HEAD', '/channels'],
    ['POST', '/channel/:id/join'],
  ] as const)
    expect(routeCost(method, path).work).toBe(10)
})

test('a body stands for as many requests as it holds, whatever it is', () => {
  expect(bodyWork({ messages: [1, 2, 3] })).toBe(3)
  expect(bodyWork({ channels: { a: null, b: null } })).toBe(2)
  for (const body of [
    undefined,
    null,
    1,
    'x',
    [],
    {},
    { messages: 5 },
    { channels: null },
    { channels: 'abc' },
    { messages: {}, channels: 1 },
  ]) {
    expect(bodyWork(body)).toBe(0)
  }
})
