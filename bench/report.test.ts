import { expect, test } from 'vitest'
import { markdown, verdicts } from './report.ts'
import type { ScenarioResult } from './run.ts'
import type { Goal, Scenario } from './scenarios/port.ts'

const goal = (fields: Partial<Goal>): Goal => ({
  case: 'P1',
  metric: 'rate',
  sense: 'at least',
  ratio: 2,
  than: { system: 'nats' },
  ...fields,
})

function resultOf(goals: Goal[], rates: Record<string, number>, more: string[] = []): ScenarioResult {
  const scenario: Scenario = {
    id: 'p1',
    title: 'Title',
    about: 'About.',
    servers: 1,
    systems: ['dred', 'nats'],
    more,
    cases: [],
    metrics: [{ name: 'rate', label: 'rate', digits: 0 }],
    goals,
  }
  const outcomes = Object.entries(rates).map(([system, rate]) => ({
    case: 'P1',
    system,
    rounds: [{ rate }],
    medians: { rate },
    problems: [],
  }))
  return { scenario, outcomes, missing: {}, versions: {}, seconds: 1 }
}

test.each<[Partial<Goal>, number, boolean]>([
  [{}, 2, true],
  [{ ratio: 2.01 }, 2, false],
  [{ sense: 'at most' }, 2, true],
  [{ sense: 'at most', ratio: 1.9 }, 2, false],
  [{ than: { number: 150, unit: 'KiB' }, ratio: 1, sense: 'at most' }, 200 / 150, false],
  [{ difference: true, ratio: 100, sense: 'at most' }, 100, true],
])('a goal %o is judged by the ratio', (fields, reached, ok) => {
  expect(verdicts(resultOf([goal(fields)], { dred: 200, nats: 100 }))).toMatchObject([{ reached, ok }])
})

test('what the sketch reaches is told beside it', () => {
  const result = resultOf([goal({})], { dred: 200, sketch: 150, nats: 100 })
  expect(verdicts(result)).toMatchObject([{ reached: 2, sketch: 1.5 }])
  expect(markdown({ results: [result], startedAt: new Date(0), rounds: 1, seconds: 1 })).toContain('2.00 ×; the sketch 1.50 ×')
})

test('a goal whose peer was not measured is not reached', () => {
  expect(verdicts(resultOf([goal({})], { dred: 200 }))).toMatchObject([{ reached: undefined, ok: false }])
})

test('a round of Dred that does not count reaches no goal, and the report says why', () => {
  const result = resultOf([goal({})], { dred: 200, nats: 100 })
  for (const { system, problems } of result.outcomes) if (system === 'dred') problems.push('1 of 2 messages lost')
  expect(verdicts(result)).toMatchObject([{ reached: 2, ok: false }])
  expect(markdown({ results: [result], startedAt: new Date(0), rounds: 1, seconds: 1 })).toContain('does not count: 1 of 2 messages lost')
})

test('goals against systems that are measured on request only are left out until they are', () => {
  expect(verdicts(resultOf([goal({})], { dred: 200 }, ['nats']))).toEqual([])
  expect(verdicts(resultOf([goal({})], { dred: 200, nats: 100 }, ['nats']))).toHaveLength(1)
})
