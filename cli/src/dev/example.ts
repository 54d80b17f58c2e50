import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { CliError } from '../errors.ts'

/** What an example is given: where the network is, and how to play. */
interface ExampleContext {
  neighborhood: string
  discovery: string[]
  servers: { id: number; endpoint: string; adminUrl: string }[]
  /** End after playing once. */
  once: boolean
  /** How many times faster than it happened; 1 is the recorded pace. */
  speed: number
  /** Another file to play. */
  hands?: string
  signal: AbortSignal
  report(event: ExampleEvent): void
}

export type ExampleEvent =
  | { type: 'table'; table: string; channel: string; clients: number }
  | { type: 'move'; table: string; hand: number | string; actor: string; text: string; latencyMs: number | null }
  | { type: 'hand'; table: string; hand: number | string; result: string }

interface Counts {
  published: number
  expected: number
  delivered: number
  lost: number
  duplicates: number
}

export interface Summary extends Counts {
  latencyMs: { p50: number | null; p99: number | null }
  tables: (Counts & { table: string; channel: string; clients: number; complete: boolean })[]
  servers: { id: number; endpoint: string; accepted: number; replicated: number; delivered: number }[]
}

export interface Page {
  url: string
  close(): Promise<void>
}

export interface Example {
  run(context: ExampleContext): Promise<Summary>
  startPage(options: { neighborhood: string; discovery: string[]; port?: number }): Promise<Page>
}

/**
 * Loads an example of this checkout by its folder's name.
 * @throws CliError `unknown_example`
 */
export async function loadExample(name: string): Promise<Example> {
  const module = fileURLToPath(new URL(`../../../examples/${name}/dist/index.js`, import.meta.url))
  if (!/^[a-z0-9-]+$/.test(name) || !existsSync(module)) {
    throw new CliError(
      'usage',
      'unknown_example',
      `There is no built example ${name} in this checkout: check --example, or run \`npm run build\`.`,
    )
  }
  const loaded: unknown = await import(pathToFileURL(module).href)
  if (!isExample(loaded))
    throw new CliError('failure', 'invalid_example', `The example ${name} does not export run and startPage: it is not one for dred dev.`)
  return loaded
}

function isExample(module: unknown): module is Example {
  return typeof module === 'object' && module !== null && 'run' in module && typeof module.run === 'function' && 'startPage' in module
}
