import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { cores } from './lab/process.ts'
import { labelOf, number } from './labels.ts'
import { plot } from './plot.ts'
import type { ScenarioResult } from './run.ts'
import type { Goal, Scenario } from './scenarios/port.ts'
import { systems } from './systems/index.ts'

export interface Verdict {
  goal: Goal
  /** Dred's share of the other's; undefined when one of the two was not measured. */
  reached: number | undefined
  ok: boolean
  /** The share that the sketch has, where it was measured too: what no server reaches that checks signatures in this way. */
  sketch?: number | undefined
}

/** How Dred did against the goals of a scenario; goals that name a system of those measured on request only count when it was asked for. */
export function verdicts({ scenario, outcomes, missing }: ScenarioResult): Verdict[] {
  const value = (system: string, { case: name, metric }: Pick<Goal, 'case' | 'metric'>): number | undefined =>
    outcomes.find((outcome) => outcome.system === system && outcome.case === name)?.medians[metric]
  const wasAsked = ({ than }: Goal): boolean =>
    !('system' in than) ||
    !scenario.more?.includes(than.system) ||
    than.system in missing ||
    outcomes.some(({ system }) => system === than.system)
  // Speed at which messages get lost reaches nothing.
  const hasFailed = (goal: Goal): boolean =>
    outcomes.some((outcome) => outcome.system === (goal.of ?? 'dred') && outcome.case === goal.case && outcome.problems.length > 0)
  return scenario.goals.filter(wasAsked).map((goal) => {
    const { than, metric, sense, ratio, difference } = goal
    const own = value(goal.of ?? 'dred', goal)
    const other = 'number' in than ? than.number : value(than.system, { case: than.case ?? goal.case, metric })
    if (own === undefined || other === undefined) return { goal, reached: undefined, ok: false }
    const compare = (measured: number): number => (difference ? measured - other : measured / other)
    const reached = compare(own)
    const bare = value('sketch', goal)
    const sketch = bare === undefined ? undefined : compare(bare)
    return { goal, reached, sketch, ok: !hasFailed(goal) && (sense === 'at least' ? reached >= ratio : reached <= ratio) }
  })
}

export interface Run {
  results: readonly ScenarioResult[]
  startedAt: Date
  rounds: number
  /** Of each measurement. */
  seconds: number
}

const dateOf = ({ startedAt }: Run): string => startedAt.toISOString().slice(0, 10)

/**
 * Writes the run as Markdown, JSON and a plot, and has the README point there.
 * @returns the path of the Markdown
 */
export function writeResults(run: Run): string {
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  const date = dateOf(run)
  const file = join(folder, `${date}.md`)
  writeFileSync(file, markdown(run))
  writeFileSync(join(folder, `${date}.json`), json(run))
  writeFileSync(join(folder, `${date}.svg`), plot(run.results, `Dred and its peers, ${date}`))
  const readme = join(import.meta.dirname, 'README.md')
  const newest = `<!-- newest -->\n[Results of ${date}](results/${date}.md)\n\n![Bars for every scenario](results/${date}.svg)\n<!-- /newest -->`
  writeFileSync(readme, readFileSync(readme, 'utf8').replace(/<!-- newest -->.*<!-- \/newest -->/s, newest))
  return file
}

export function json({ results, ...run }: Run): string {
  const scenarios = results.map((result) => ({ ...result, scenario: result.scenario.id, goals: verdicts(result) }))
  return `${JSON.stringify({ ...run, scenarios }, null, 2)}\n`
}

/** The whole run as Markdown. */
export function markdown(run: Run): string {
  const { results, rounds, seconds, startedAt } = run
  const took = results.reduce((total, result) => total + result.seconds, 0)
  const all = results.flatMap(verdicts)
  const unmeasured = all.filter(({ reached }) => reached === undefined).length
  const parts = [
    `# Benchmark of ${startedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    machine(),
    `Medians of ${rounds} rounds of ${seconds} s, the systems in turns (A B C A B C …); ${Math.round(took / 60)} minutes in all. ${MESSAGES}`,
    `**${all.filter(({ ok }) => ok).length} of ${all.length} goals reached${unmeasured > 0 ? `, ${unmeasured} not measured` : ''}.** ✓ and ✗ compare with the goal; a round in which a message was lost, doubled or not acknowledged does not count.`,
    `![Results](${dateOf(run)}.svg)`,
    versions(results),
    kept(results),
    ...results.map(section),
  ]
  return `${parts.join('\n\n')}\n`
}

const MESSAGES =
  'Messages of 1 KiB. *Per CPU second* is what counts: operations per second of processor time of all server processes (Redis and threads included), which other work on the machine hardly changes; *per second* is what passed in the time of the clock.'

function machine(): string {
  const [processor] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  const pinned = cores
    ? `all server processes of a system on core ${cores.servers}, the load generator on core ${cores.generator}`
    : 'processes not kept on cores of their own (no taskset, or one core only): rates by the clock mean little'
  const load =
    process.platform === 'linux' ? `, load ${readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')} at the end` : ''
  return `${processor?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${memory} GiB, ${process.platform} ${release()}${load}; ${pinned}.`
}

function versions(results: readonly ScenarioResult[]): string {
  const all = Object.assign({ 'Node.js': process.versions.node }, ...results.map((result) => result.versions)) as Record<string, string>
  return `Versions: ${Object.entries(all)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}.`
}

function kept(results: readonly ScenarioResult[]): string {
  const used = systems.filter(({ name }) => results.some(({ outcomes }) => outcomes.some((outcome) => outcome.system === name)))
  return [
    '| system | an acknowledged message is |',
    '|---|---|',
    ...used.map(({ label, durability }) => `| ${label} | ${meanings[durability]} |`),
  ].join('\n')
}

const meanings = {
  none: 'kept nowhere',
  'every second': 'in a file, flushed to disk every second',
  'page cache': 'in a file, flushed to disk when the operating system or a timer of a minute or more does it',
} as const

function section(result: ScenarioResult): string {
  const { scenario, missing, outcomes } = result
  const notes = [
    ...Object.entries(missing).map(([system, why]) => `- ${labelOf(system)} could not be measured: ${why}`),
    ...outcomes.flatMap(({ case: name, system, problems }) =>
      problems.map((why) => `- ${name}, ${labelOf(system)}: a round does not count: ${why.replaceAll('\n', ' ').slice(0, 300)}`),
    ),
  ]
  return [
    `## ${scenario.id.toUpperCase()} · ${scenario.title}`,
    scenario.about,
    table(result),
    ...(notes.length > 0 ? [notes.join('\n')] : []),
    goals(result),
  ].join('\n\n')
}

function table({ scenario, outcomes }: ScenarioResult): string {
  const head = ['', 'system', ...scenario.metrics.map(({ label }) => label), 'lowest – highest']
  const rows = outcomes
    .filter(({ rounds }) => rounds.length > 0)
    .map(({ case: name, system, medians, rounds }) => {
      const [first] = scenario.metrics
      const values = rounds.map((round) => round[first?.name ?? ''] ?? Number.NaN)
      const range = [Math.min(...values), Math.max(...values)].map((value) => number(value, first?.digits ?? 0)).join(' – ')
      return [name, labelOf(system), ...scenario.metrics.map((metric) => number(medians[metric.name] ?? Number.NaN, metric.digits)), range]
    })
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const dashes = head.map((_, i) => (i < 2 ? '---' : '---:'))
  return [line(head), `|${dashes.join('|')}|`, ...rows.map((row) => line([...row, ...head.slice(row.length).map(() => '')]))].join('\n')
}

function goals(result: ScenarioResult): string {
  return verdicts(result)
    .map(
      ({ goal, reached, ok, sketch }) =>
        `- ${ok ? '✓' : '✗'} ${describe(goal, result.scenario)}: ${reached === undefined ? 'not measured' : share(reached, goal)}${sketch === undefined ? '' : `; the sketch ${share(sketch, goal)}`}`,
    )
    .join('\n')
}

function share(reached: number, { difference }: Goal): string {
  return difference ? `${number(reached, 1)} more` : `${number(reached, 2)} ×`
}

function describe({ case: name, metric, sense, ratio, than, difference }: Goal, { metrics }: Scenario): string {
  const label = metrics.find((known) => known.name === metric)?.label ?? metric
  if ('number' in than) return `${name}, ${label}: ${sense} ${ratio === 1 ? '' : `${ratio} × `}${than.number} ${than.unit}`
  const other = than.case === undefined ? labelOf(than.system) : `${labelOf(than.system)}, ${than.case}`
  return `${name}, ${label}: ${sense} ${difference ? `${ratio} more than` : `${ratio} ×`} ${other}`
}
