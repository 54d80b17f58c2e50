import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProtocolName } from './protocols.ts'

const folder = join(import.meta.dirname, 'regressions')

/** A scenario with the seed with which it failed once. */
export interface Regression {
  protocol: ProtocolName
  /** What was wrong. */
  failure: string
  /** As a scenario file has it; with its seed. */
  scenario: { seed: number; name?: string } & Record<string, unknown>
}

/** @returns the file */
export function saveRegression(regression: Regression, into = folder): string {
  mkdirSync(into, { recursive: true })
  const { scenario, protocol } = regression
  const name = (scenario.name ?? 'scenario').replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase() || 'scenario'
  const file = join(into, `${name}-${protocol}-${scenario.seed}.json`)
  writeFileSync(file, `${JSON.stringify(regression, null, 2)}\n`)
  return file
}

export function savedRegressions(from = folder): { file: string; regression: Regression }[] {
  const files = readdirSync(from).filter((name) => name.endsWith('.json'))
  return files.map((file) => ({ file, regression: JSON.parse(readFileSync(join(from, file), 'utf8')) as Regression }))
}
