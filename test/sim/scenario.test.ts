import { expect, test } from 'vitest'
import { generate } from './generate.ts'
import { chosen, parseScenario, ScenarioError } from './scenario.ts'

const least = { servers: 3, durationMs: 1_000, drainMs: 1_000, messagesPerSecond: 1, bodyBytes: 200 }

function problems(value: unknown): readonly string[] {
  try {
    parseScenario(value)
  } catch (error) {
    if (error instanceof ScenarioError) return error.problems
    throw error
  }
  return []
}

test('fills in what is left out', () => {
  expect(parseScenario(least)).toMatchObject({ topology: 'spt', latency: 'regions', loss: 0, lossUntilMs: 2_000, faults: [] })
})

test('tells all that is wrong at once, each with its place', () => {
  const faults = [
    { atMs: 1, type: 'crush' },
    { atMs: 'soon', type: 'crash', servers: [] },
    { atMs: 1, type: 'slow', servers: [1], speed: 2 },
  ]
  expect(problems({ ...least, servers: 0, loss: 2, colour: 'red', faults })).toEqual([
    '/: has no colour',
    '/servers: must be >= 1',
    '/loss: must be <= 1',
    expect.stringContaining('/faults/0/type: must be one of crash, restart'),
    '/faults/1/atMs: must be number',
    '/faults/1/servers: must be a list of ids or a share such as "30%"',
    '/faults/2: has no speed',
  ])
})

test.each([
  [{ faults: [{ atMs: 1, type: 'crash', servers: [4] }] }, '/faults/0/servers: there is no server 4'],
  [{ faults: [{ atMs: 1, type: 'join', servers: [3] }] }, '/faults/0/servers: a server that joins has an id above 3'],
  [{ faults: [{ atMs: 2_001, type: 'heal' }] }, '/faults/0/atMs: is after the end'],
  [
    {
      latency: [
        [0, 1],
        [1, 0],
      ],
    },
    '/latency: must be a square of at least 3 × 3',
  ],
  [{ lifetimeMs: [5, 4] }, '/lifetimeMs: the first must not be above the second'],
])('refuses %j', (changes, problem) => {
  expect(problems({ ...least, ...changes })).toEqual([problem])
})

test('tells what may stand where several things may', () => {
  expect(problems({ ...least, latency: 'moon', topology: 'mesh' })).toEqual([
    '/topology: must be spt, star or ring',
    '/latency: must be "regions" or a matrix of one-way ms',
  ])
})

test.each([undefined, null, 7, 'text', []])('refuses %j', (value) => {
  expect(problems(value).length).toBeGreaterThan(0)
})

test('a share of the servers is drawn by the seed', () => {
  const ids = Array.from({ length: 10 }, (_, i) => i + 1)
  const draws = [1, 2, 3, 4].map((seed) => chosen('30%', ids, seed))
  expect(draws.every((draw) => draw.length === 3 && new Set(draw).size === 3)).toBe(true)
  expect(new Set(draws.map(String)).size).toBeGreaterThan(1)
  expect(chosen('30%', ids, 1)).toEqual(draws[0])
  expect(chosen([3, 2], ids, 1)).toEqual([3, 2])
})

test('the swarm draws scenarios that can be read, and ends them healed', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const scenario = parseScenario(generate(seed))
    expect(scenario.faults.slice(-2).map(({ type }) => type)).toEqual(['heal', 'restart'])
  }
})
