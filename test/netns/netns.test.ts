import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root, start } from '../e2e/processes.ts'
import { whyNot } from './lab.ts'
import type { Report } from './report.ts'

const unavailable = whyNot()
const hosts = (): string => execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })

it('three servers on hosts of their own lose nothing', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const scenario = join(import.meta.dirname, 'smoke.json')
  const run = start(process.execPath, [join(root, 'test/netns/main.ts'), '--scenario', scenario, '--json'])
  const code = await run.exited
  expect(code, run.stderr()).toBe(0)
  const report = JSON.parse(run.stdout()) as Report
  expect(report).toMatchObject({ servers: 3, published: 100, lost: 0, duplicated: 0, deliveredRatio: 1, violations: [] })
  expect(report.acknowledged).toBeGreaterThan(50)
  expect(report.weather.lost, 'frames on a bad network').toBeGreaterThan(0)
  expect(report.weather.cut, 'frames of a partition').toBeGreaterThan(0)
  expect(hosts()).not.toContain(`dred-lab-${run.child.pid}-`)
})
