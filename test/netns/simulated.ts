import { readFileSync } from 'node:fs'
import { quantile } from '../sim/measures.ts'
import type { Result } from '../sim/result.ts'
import { runAll } from '../sim/runs.ts'

/** Medians over several seeds of the simulator's results for a scenario; null where it has none. */
export interface Simulated {
  seeds: number
  deliveredRatio: number | null
  copiesPerServer: number | null
  stretchMean: number | null
  stretchP99: number | null
  latencyMs: { p50: number | null; p99: number | null }
  controlBytesPerMessagePerServer: number | null
  convergedMsAfterHeal: number | null
}

/** Has the simulator play a scenario file with seeds 1 to `seeds`. */
export async function simulate(file: string, seeds: number): Promise<Simulated> {
  const scenario = JSON.parse(readFileSync(file, 'utf8')) as object
  const results: Result[] = []
  const runs = Array.from({ length: seeds }, (_, index) => ({ scenario, seed: index + 1, protocol: 'spt' as const }))
  await runAll(runs, (result) => results.push(result))
  const median = (of: (result: Result) => number | null): number | null => {
    const values = results.map(of).filter((value) => value !== null)
    return values.length === 0
      ? null
      : (quantile(
          values.sort((a, b) => a - b),
          0.5,
        ) ?? null)
  }
  return {
    seeds,
    deliveredRatio: median(({ deliveredRatio }) => deliveredRatio),
    copiesPerServer: median(({ copiesPerServer }) => copiesPerServer),
    stretchMean: median(({ stretchMean }) => stretchMean),
    stretchP99: median(({ stretchP99 }) => stretchP99),
    latencyMs: { p50: median(({ latencyMs }) => latencyMs.p50), p99: median(({ latencyMs }) => latencyMs.p99) },
    controlBytesPerMessagePerServer: median((result) => result.controlBytesPerMessagePerServer),
    convergedMsAfterHeal: median((result) => result.convergedMsAfterHeal),
  }
}
