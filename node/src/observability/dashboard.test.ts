import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { createChannel, publish, testSigner } from '../testing/test-node.ts'
import { Nodes } from '../testing/nodes.ts'
import { catalogue } from './catalogue.ts'
import { startPrometheus } from './testing/prometheus.ts'

interface Panel {
  id: number
  title: string
  type: string
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: { expr: string }[]
}

const packaging = new URL('../../../packaging/', import.meta.url)
const dashboard = JSON.parse(await readFile(new URL('grafana/dred.json', packaging), 'utf8')) as {
  panels: Panel[]
  annotations: { list: { expr: string }[] }
}
const alerts = parse(await readFile(new URL('prometheus/alerts.yml', packaging), 'utf8')) as { groups: { rules: { expr: string }[] }[] }
const shown = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
const all = [
  ...shown,
  ...dashboard.annotations.list.map(({ expr }) => expr),
  ...alerts.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
]
/** Told only once something has gone wrong, or where there are bounds. */
const QUIET = /dred_(limited_total|limit_keys|streams_closed_total|store_errors_total|store_max_bytes)/

/** The metrics that an expression of PromQL reads. */
function metricsOf(expr: string): string[] {
  const bare = expr.replace(/\{[^}]*\}/g, '').replace(/\b(by|on|without|ignoring) ?\([^)]*\)/g, '')
  return (bare.match(/\b[a-z]+_[a-z0-9_]+\b(?! ?\()/g) ?? []).filter((name) => name !== '__rate_interval')
}

test('the dashboard and the alerts read only what a server tells, with labels that it has', async () => {
  const definitions = (await catalogue()).flatMap((section) => section.definitions)
  const labels = new Map<string, string[]>()
  for (const { name, type, labels: own = {} } of definitions) {
    const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
    for (const suffix of suffixes) labels.set(name + suffix, [...Object.keys(own), 'job', 'instance', 'le'])
  }
  labels.set('up', ['job', 'instance'])
  const read = all.flatMap(metricsOf)
  expect(read.length).toBeGreaterThan(80)
  for (const name of read) expect(Array.from(labels.keys()), name).toContain(name)
  for (const [, name = '', matchers = ''] of all.flatMap((expr) => Array.from(expr.matchAll(/\b(\w+)\{([^}]*)\}/g)))) {
    for (const [, label] of matchers.matchAll(/(\w+) ?[!=]/g)) expect(labels.get(name), `${name}{${matchers}}`).toContain(label)
  }
})

test('panels of the dashboard lie side by side, each with a name and an id of its own', () => {
  const { panels } = dashboard
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  for (const { title, gridPos } of panels)
    expect({ title, fits: title !== '' && gridPos.x + gridPos.w <= 24 }).toEqual({ title, fits: true })
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
})

test('a Prometheus that scrapes servers has an answer to every query of the dashboard', { timeout: 60_000 }, async () => {
  const nodes = await Nodes.start(2)
  const prometheus = await startPrometheus(
    [1, 2].map((id) => nodes.adminUrl(id)),
    fileURLToPath(new URL('prometheus/alerts.yml', packaging)),
  )
  try {
    const signer = await testSigner()
    const channel = await createChannel(nodes.url(1), signer)
    const stream = await fetch(`${nodes.url(1)}/channel/${channel}/stream`)
    const work = async (): Promise<void> => {
      await publish(nodes.url(1), channel, { signer, message: crypto.randomUUID() })
      await (await fetch(`${nodes.url(1)}/nowhere`)).arrayBuffer()
    }
    const without = async (): Promise<string[]> => {
      await work()
      const answers = await Promise.all(shown.map(async (expr) => ({ expr, found: await prometheus.query(expr) })))
      return answers.filter(({ expr, found }) => found.length === 0 && !QUIET.test(expr)).map(({ expr }) => expr)
    }
    await expect.poll(without, { timeout: 40_000, interval: 500 }).toEqual([])
    const [published] = await prometheus.query('sum(dred_messages_accepted_total)')
    expect(published).toBeGreaterThan(1)
    expect(await prometheus.query('count(up == 1)')).toEqual([2])
    await stream.body?.cancel()
  } finally {
    await prometheus.stop()
    await nodes.close()
  }
})
