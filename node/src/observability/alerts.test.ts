import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { faults, type Series, well } from './testing/alert-cases.ts'

interface Rule {
  alert: string
  expr: string
  labels: { severity: string }
  annotations: { summary: string; runbook_url: string }
}

const run = promisify(execFile)
const packaging = fileURLToPath(new URL('../../../packaging/prometheus/', import.meta.url))
const root = fileURLToPath(new URL('../../../', import.meta.url))
const file = join(packaging, 'alerts.yml')
let directory: string
let rules: Rule[]

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dred-alerts-'))
  const { groups } = parse(await readFile(file, 'utf8')) as { groups: { rules: Rule[] }[] }
  rules = groups.flatMap((group) => group.rules)
})

afterAll(() => rm(directory, { recursive: true }))

/** A test of `promtool`: which alerts are raised after an hour. */
function testCase(series: Series, raised: readonly string[]) {
  return {
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: withProcess(name), values })),
    promql_expr_test: [
      {
        expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
        eval_time: '59m',
        exp_samples: raised.map((alert) => ({ labels: `{alertname="${alert}"}`, value: 1 })),
      },
    ],
  }
}

function withProcess(series: string): string {
  const [name = '', labels = ''] = series.split(/[{}]/)
  return `${name}{job="dred",instance="a"${labels === '' ? '' : `,${labels}`}}`
}

async function promtool(tests: readonly object[]): Promise<string> {
  const path = join(directory, 'tests.json')
  await writeFile(path, JSON.stringify({ rule_files: [file], evaluation_interval: '1m', tests }))
  return (await run('promtool', ['test', 'rules', path])).stdout
}

test('Prometheus takes the rules and the configuration', async () => {
  expect((await run('promtool', ['check', 'rules', file])).stdout).toContain(`SUCCESS: ${rules.length} rules found`)
  expect((await run('promtool', ['check', 'config', join(packaging, 'prometheus.yml')])).stdout).toContain('SUCCESS')
})

test('a server that is well raises nothing, and every fault its own alert only', { timeout: 60_000 }, async () => {
  expect(new Set(Object.keys(faults))).toEqual(new Set(rules.map(({ alert }) => alert)))
  const cases = Object.entries(faults).map(([alert, series]) => testCase({ ...well, ...series }, [alert]))
  await promtool([testCase(well, []), ...cases])
})

test('promtool says so when an alert is not raised', async () => {
  await expect(promtool([testCase(well, ['DredDown'])])).rejects.toThrow(/DredDown/)
})

test('every alert is explained where it says', async () => {
  for (const { alert, annotations, labels } of rules) {
    const [page = '', anchor = ''] = annotations.runbook_url.split('#')
    const headings = Array.from((await readFile(join(root, page), 'utf8')).matchAll(/^#+ (.+)$/gm), ([, title = '']) => title)
    expect(headings, alert).toContain(alert)
    expect(anchor).toBe(alert.toLowerCase())
    expect(['critical', 'warning']).toContain(labels.severity)
    expect(annotations.summary).not.toBe('')
  }
})
