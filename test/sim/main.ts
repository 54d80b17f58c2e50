// Runs a scenario file: see docs/operating/planning.md.
import { randomInt } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { plot } from './plot.ts'
import { type ProtocolName, protocolNames, protocolOf } from './protocols.ts'
import { saveRegression } from './regressions.ts'
import { report, reportMany } from './report.ts'
import { type Result, succeeded } from './result.ts'
import { runAll } from './runs.ts'
import { parseScenario, ScenarioError } from './scenario.ts'
import { simulate } from './simulation.ts'
import { printTable } from './table.ts'

const usage = `Usage: npm run sim -- --scenario FILE.json [--seed N | --seeds A..B] [--topology spt|star|ring] [--json] [--plot FILE.svg]
       npm run sim -- --table [--seeds A..B] [--topology …] [--json]
  --protocol flood|gossip  something to compare the product with, in place of a topology
What a scenario may say, and what the results mean: docs/operating/planning.md`

const TABLE_SEEDS = Array.from({ length: 20 }, (_, i) => i + 1)

class UsageError extends Error {}

interface Settings {
  scenario: { name?: string } & Record<string, unknown>
  protocol: ProtocolName
  seeds: number[]
  json: boolean
  plot: string | undefined
}

function readArguments(args: string[]) {
  try {
    const text = { type: 'string' } as const
    const flag = { type: 'boolean' } as const
    const options = {
      scenario: text,
      seed: text,
      seeds: text,
      topology: text,
      protocol: text,
      plot: text,
      json: flag,
      table: flag,
      help: flag,
    }
    return parseArgs({ args, options }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function readSeeds(seed: string | undefined, seeds: string | undefined): number[] | undefined {
  const match = /^([0-9]{1,9})(?:\.\.([0-9]{1,9}))?$/.exec(seeds ?? seed ?? '')
  if (seed === undefined && seeds === undefined) return undefined
  const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])]
  const range = seeds !== undefined
  if (!match || (match[2] !== undefined) !== range || to < from || to - from >= 10_000)
    throw new UsageError(range ? '--seeds is a range such as 1..20' : '--seed is a number')
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

function readProtocol({ protocol, topology }: { protocol?: string; topology?: string }): ProtocolName | undefined {
  const given = protocol ?? topology
  const known = protocolNames.find((name) => name === given)
  if (given !== undefined && !known)
    throw new UsageError(`--topology is one of spt, star, ring; --protocol one of ${protocolNames.join(', ')}`)
  return known
}

function readScenario(file: string): Settings['scenario'] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new UsageError(`${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
  try {
    return JSON.parse(text) as Settings['scenario']
  } catch (cause) {
    throw new UsageError(`${file} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

function settings(values: ReturnType<typeof readArguments>): Settings {
  if (values.scenario === undefined) throw new UsageError('--scenario is missing: a file that says what is simulated')
  const given = readScenario(values.scenario)
  const checked = parseScenario(given)
  const protocol = readProtocol(values) ?? checked.topology
  if (values.seed !== undefined && values.seeds !== undefined) throw new UsageError('--seed and --seeds exclude each other')
  const seeds = readSeeds(values.seed, values.seeds) ?? [checked.seed ?? randomInt(1, 2 ** 31)]
  if (values.plot !== undefined && seeds.length > 1) throw new UsageError('--plot draws one seed')
  return { scenario: given, protocol, seeds, json: values.json ?? false, plot: values.plot }
}

/** Keeps what the product failed at. Not what nobody could: servers that are cut off or down to the end. */
function keep(result: Result, { scenario, protocol }: Settings): void {
  const { seed, violations, expected, delivered, whole } = result
  if (succeeded(result) || !whole || protocol === 'flood' || protocol === 'gossip') return
  const failure = violations[0]?.invariant ?? `${expected - delivered} deliveries were not made`
  const file = saveRegression({ protocol, failure, scenario: { ...scenario, seed } })
  process.stderr.write(`Seed ${seed} fails (${failure}); kept as ${file}\n`)
}

function writePlot(file: string, svg: string): void {
  try {
    writeFileSync(file, svg)
  } catch (cause) {
    throw new UsageError(`${file} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

function runSeed(chosen: Settings, seed: number): boolean {
  const { scenario, protocol } = chosen
  const checked = parseScenario(scenario)
  process.stderr.write(`seed ${seed}\n`)
  const { result, detail } = simulate({ scenario: checked, seed, protocol: protocolOf(protocol) })
  process.stdout.write(`${chosen.json ? JSON.stringify(result, null, 2) : report(result)}\n`)
  keep(result, chosen)
  if (chosen.plot !== undefined) writePlot(chosen.plot, plot(result, detail, checked.name))
  return succeeded(result)
}

async function runSeeds(chosen: Settings): Promise<boolean> {
  const { scenario, protocol, seeds } = chosen
  const runs = seeds.map((seed) => ({ scenario, seed, protocol }))
  const results: Result[] = []
  await runAll(runs, (result) => {
    results.push(result)
    process.stderr.write(`${results.length} of ${seeds.length}: seed ${result.seed} ${succeeded(result) ? 'succeeds' : 'FAILS'}\n`)
    keep(result, chosen)
  })
  results.sort((a, b) => a.seed - b.seed)
  process.stdout.write(`${chosen.json ? JSON.stringify(results, null, 2) : reportMany(results)}\n`)
  return results.every(succeeded)
}

async function main(): Promise<boolean> {
  const values = readArguments(process.argv.slice(2))
  if (values.help) process.stdout.write(`${usage}\n`)
  if (values.help) return true
  if (values.table)
    return printTable(readSeeds(values.seed, values.seeds) ?? TABLE_SEEDS, { json: values.json ?? false, only: readProtocol(values) })
  const chosen = settings(values)
  const [seed] = chosen.seeds
  return chosen.seeds.length === 1 && seed !== undefined ? runSeed(chosen, seed) : runSeeds(chosen)
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof ScenarioError)) throw error
  process.stderr.write(error instanceof UsageError ? `${error.message}\n\n${usage}\n` : `The scenario is not valid:\n${error.message}\n`)
  process.exitCode = 2
}
