import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { saveRegression, savedRegressions } from './regressions.ts'

const folder = mkdtempSync(join(tmpdir(), 'dred-sim-'))
afterAll(() => rmSync(folder, { recursive: true }))

const scenario = { name: 'a test', servers: 4, durationMs: 2_000, drainMs: 3_000, warmupMs: 2_000, messagesPerSecond: 10, bodyBytes: 300 }

function sim(changes: object, args: string[]) {
  const file = join(folder, 'scenario.json')
  writeFileSync(file, JSON.stringify({ ...scenario, ...changes }))
  const main = join(import.meta.dirname, 'main.ts')
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, '--scenario', file, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('prints a result as JSON, and draws it', () => {
  const svg = join(folder, 'run.svg')
  const { status, stdout, stderr } = sim({}, ['--seed', '11', '--json', '--plot', svg])
  expect(status).toBe(0)
  expect(stderr).toBe('seed 11\n')
  const fields =
    'published expected delivered deliveredRatio copiesPerServer stretchMean stretchP99 latencyMs controlBytesPerMessagePerServer convergedMsAfterHeal violations'
  expect(Object.keys(JSON.parse(stdout) as object)).toEqual(expect.arrayContaining(['seed', ...fields.split(' ')]))
  expect(readFileSync(svg, 'utf8')).toMatch(/^<svg [^]*a test[^]*<\/svg>\n$/)
})

test('takes the seed of the scenario, or draws one and says it', () => {
  expect(sim({ seed: 5 }, []).stderr).toBe('seed 5\n')
  expect(sim({}, []).stderr).toMatch(/^seed [0-9]+\n$/)
})

test('prints a line for each seed and the medians', () => {
  const { status, stdout, stderr } = sim({}, ['--seeds', '1..3', '--topology', 'star'])
  expect([status, stdout.split('\n').map((line) => line.trim().split(' ')[0])]).toEqual([0, ['seed', '1', '2', '3', 'median', '']])
  expect(stderr).toContain('3 of 3')
})

test('ends with 1 when something was not delivered', () => {
  const { status, stdout } = sim({ loss: 0.5 }, ['--seed', '1', '--protocol', 'gossip'])
  expect([status, stdout]).toEqual([1, expect.stringContaining('FAILED')])
})

test.each<[object, string[], string]>([
  [{ servers: -1, loss: 7 }, [], '/servers: must be >= 1\n/loss: must be <= 1'],
  [{}, ['--topology', 'mesh'], '--topology is one of spt, star, ring'],
  [{}, ['--seeds', '3..1'], '--seeds is a range such as 1..20'],
  [{}, ['--seed', 'x'], '--seed is a number'],
  [{}, ['--seeds', '1..2', '--plot', 'x.svg'], '--plot draws one seed'],
  [{}, ['--plot', '/dev/null/x.svg'], '/dev/null/x.svg cannot be written'],
  [{}, ['--colour'], 'colour'],
])('ends with 2 for a scenario with %j, asked with %j', (changes, args, message) => {
  const { status, stderr } = sim(changes, args)
  expect([status, stderr]).toEqual([2, expect.stringContaining(message)])
})

test('a failing scenario is kept with its seed, under a name that says where it comes from', () => {
  const into = join(folder, 'kept')
  const regression = { protocol: 'spt', failure: 'causal delivery', scenario: { ...scenario, seed: 9 } } as const
  expect(saveRegression(regression, into)).toBe(join(into, 'a-test-spt-9.json'))
  expect(savedRegressions(into)).toEqual([{ file: 'a-test-spt-9.json', regression }])
})
