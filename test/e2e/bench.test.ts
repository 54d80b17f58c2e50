import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

interface Report {
  scenarios: { outcomes: { system: string; medians: { messages: number; deliveries: number }; problems: string[] }[]; missing: object }[]
}

test('the benchmark measures Dred and a peer, and every message reaches every subscriber', async () => {
  const main = join(import.meta.dirname, '../../bench/main.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [main, '--quick', '--json'])
  const [scenario] = (JSON.parse(stdout) as Report).scenarios
  expect(scenario?.missing).toEqual({})
  expect(scenario?.outcomes.map(({ system, problems }) => ({ system, problems }))).toEqual([
    { system: 'dred', problems: [] },
    { system: 'redis', problems: [] },
  ])
  for (const { medians } of scenario?.outcomes ?? []) {
    expect(medians.messages).toBeGreaterThan(10)
    expect(medians.deliveries).toBe(3 * medians.messages)
  }
})
