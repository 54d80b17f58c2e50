import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
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
  | { type: 'due'; table: string; inMs: number }
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
  /** Throws an error with `problems` when the file cannot be played. */
  checkHands(file: string): Promise<void>
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
    throw new CliError(
      'failure',
      'invalid_example',
      `The example ${name} does not export checkHands, run and startPage: it is not one for dred dev.`,
    )
  return loaded
}

function isExample(module: unknown): module is Example {
  const functions = ['checkHands', 'run', 'startPage']
  return typeof module === 'object' && module !== null && functions.every((name) => typeof Reflect.get(module, name) === 'function')
}

/** Said of a file at most; the rest is counted. */
const SHOWN_PROBLEMS = 3

/**
 * Makes sure that an example can play a file, before anything is started for it.
 * @param file as the person gave it, relative to the working directory
 * @throws CliError `hands_invalid`
 */
export async function checkHands(example: Example, file: string): Promise<void> {
  try {
    await example.checkHands(resolve(file))
  } catch (cause) {
    const problems = problemsOf(cause)
    const more = problems.length > SHOWN_PROBLEMS ? [`and ${problems.length - SHOWN_PROBLEMS} more`] : []
    const said = [...problems.slice(0, SHOWN_PROBLEMS), ...more].join('; ')
    throw new CliError('usage', 'hands_invalid', { message: `${file} cannot be played (${said}): check --hands.`, cause })
  }
}

function problemsOf(error: unknown): string[] {
  if (typeof error === 'object' && error !== null && 'problems' in error && Array.isArray(error.problems)) return error.problems.map(String)
  return [error instanceof Error ? error.message : String(error)]
}
