import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { prioritise, unprioritise } from './lab/process.ts'
import { median } from './lab/statistics.ts'
import type { Case, Sample, Scenario } from './scenarios/port.ts'
import type { Cluster, System } from './systems/port.ts'

export interface RunOptions {
  rounds: number
  seconds: number
  /** For the servers' data and logs. */
  folder: string
  /** A folder for CPU profiles. */
  profile?: string | undefined
  progress: (text: string) => void
}

/** One system in one case: what the rounds that count showed, their medians, and why others do not count. */
export interface Outcome {
  case: string
  system: string
  rounds: Sample[]
  medians: Sample
  problems: string[]
}

export interface ScenarioResult {
  scenario: Scenario
  outcomes: Outcome[]
  /** By system, why it was not measured at all. */
  missing: Record<string, string>
  versions: Record<string, string>
  seconds: number
}

/** Measures the systems of a scenario in turns: the first round of all, the second round of all, and so on. */
export async function runScenario(scenario: Scenario, systems: readonly System[], options: RunOptions): Promise<ScenarioResult> {
  const began = performance.now()
  const bench = new Bench(scenario, options)
  try {
    for (let round = 0; round < options.rounds; round++) {
      for (const one of scenario.cases) {
        for (const system of systems) {
          if (one.systems === undefined || one.systems.includes(system.name) || scenario.more?.includes(system.name))
            await bench.measure(system, one, round)
        }
      }
    }
  } finally {
    await bench.close()
  }
  return { ...bench.result(), seconds: (performance.now() - began) / 1_000 }
}

class Bench {
  readonly #scenario: Scenario
  readonly #options: RunOptions
  readonly #clusters = new Map<System, Cluster>()
  readonly #outcomes = new Map<string, Outcome>()
  readonly #missing: Record<string, string> = {}
  readonly #versions: Record<string, string> = {}
  #started = 0

  constructor(scenario: Scenario, options: RunOptions) {
    this.#scenario = scenario
    this.#options = options
  }

  async measure(system: System, one: Case, round: number): Promise<void> {
    const key = `${one.name} ${system.name}`
    const outcome = this.#outcomes.get(key) ?? { case: one.name, system: system.name, rounds: [], medians: {}, problems: [] }
    if (this.#missing[system.name] !== undefined) return
    const cluster = await this.#cluster(system)
    if (!cluster) return
    this.#outcomes.set(key, outcome)
    const where = `${this.#scenario.id} ${one.name}, ${system.label}, round ${round + 1}`
    if (this.#scenario.prioritised) prioritise(cluster.pids)
    try {
      const sample = await one.measure(cluster, this.#options.seconds)
      outcome.rounds.push(sample)
      this.#options.progress(`${where}: ${describe(sample)}`)
    } catch (error) {
      outcome.problems.push(messageOf(error))
      this.#options.progress(`${where}: does not count: ${messageOf(error)}`)
      await this.#stop(system)
    } finally {
      if (this.#scenario.prioritised) unprioritise()
    }
    if (this.#scenario.fresh) await this.#stop(system)
  }

  result(): Omit<ScenarioResult, 'seconds'> {
    const outcomes = [...this.#outcomes.values()]
    for (const outcome of outcomes) outcome.medians = medians(outcome.rounds)
    return { scenario: this.#scenario, outcomes, missing: this.#missing, versions: this.#versions }
  }

  async close(): Promise<void> {
    for (const system of this.#clusters.keys()) await this.#stop(system)
  }

  async #cluster(system: System): Promise<Cluster | undefined> {
    const known = this.#clusters.get(system)
    if (known) return known
    const folder = join(this.#options.folder, `${this.#scenario.id}-${system.name}-${this.#started++}`)
    mkdirSync(folder)
    try {
      const cluster = await system.start({ servers: this.#scenario.servers, folder, profile: this.#options.profile })
      Object.assign(this.#versions, cluster.versions)
      this.#clusters.set(system, cluster)
      return cluster
    } catch (error) {
      this.#missing[system.name] = messageOf(error)
      this.#options.progress(`${this.#scenario.id} ${system.label} cannot be measured: ${messageOf(error)}`)
      return undefined
    }
  }

  async #stop(system: System): Promise<void> {
    const cluster = this.#clusters.get(system)
    this.#clusters.delete(system)
    await cluster?.stop().catch((error: unknown) => this.#options.progress(`${system.label} did not stop: ${messageOf(error)}`))
  }
}

function medians(samples: readonly Sample[]): Sample {
  const names = Object.keys(samples[0] ?? {})
  return Object.fromEntries(names.map((name) => [name, median(samples.map((sample) => sample[name] ?? Number.NaN))]))
}

function describe(sample: Sample): string {
  return Object.entries(sample)
    .map(([name, value]) => `${name} ${value >= 1_000 ? Math.round(value).toLocaleString('en') : Number(value.toPrecision(3))}`)
    .join(', ')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
