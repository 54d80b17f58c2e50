import { readFileSync } from 'node:fs'
import type { Climate } from './weather.ts'

/** Something that happens to servers while the load goes on; the names and numbers of test/sim's scenarios. */
export type Fault = { atMs: number } & (
  | { type: 'crash' | 'restart' | 'pause' | 'resume' | 'store-loss' | 'store-back'; servers: number[] }
  /** Nothing passes between these servers and the others. */
  | { type: 'partition'; servers: number[] }
  /** Nothing passes from these servers to those. */
  | { type: 'oneway'; servers: number[]; to: number[] }
  /** Ends partitions and one-way cuts. */
  | { type: 'heal' }
)

/** A scenario file, as far as real processes can play it. */
export interface Scenario {
  name: string
  servers: number
  durationMs: number
  /** After the load and the faults: time for every server to get everything. */
  drainMs: number
  messagesPerSecond: number
  bodyBytes: number
  climate: Climate
  /** By time. */
  faults: Fault[]
}

const FAULTS = ['crash', 'restart', 'pause', 'resume', 'store-loss', 'store-back', 'partition', 'oneway', 'heal']

/** @throws Error when the file is no scenario, or has something in it that only a simulator can do */
export function readScenario(file: string): Scenario {
  const raw = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  const count = (name: string, fallback?: number): number => {
    const value = raw[name] ?? fallback
    if (typeof value !== 'number' || !(value >= 0)) throw new Error(`${file}: ${name} has to be a number`)
    return value
  }
  const servers = count('servers')
  return {
    name: typeof raw['name'] === 'string' ? raw['name'] : file,
    servers,
    durationMs: count('durationMs'),
    drainMs: count('drainMs'),
    messagesPerSecond: count('messagesPerSecond'),
    bodyBytes: count('bodyBytes'),
    climate: { latency: matrix(raw['latency'], servers), jitterMs: count('jitter', 0), loss: count('delayedLoss', 0) },
    faults: faults(raw['faults'] ?? []).sort((a, b) => a.atMs - b.atMs),
  }
}

function matrix(raw: unknown, servers: number): number[][] {
  const isRow = (row: unknown): row is number[] =>
    Array.isArray(row) && row.length === servers && row.every((value) => typeof value === 'number')
  if (!Array.isArray(raw) || raw.length !== servers || !raw.every(isRow)) {
    throw new Error(`latency has to be a matrix of one-way milliseconds, ${servers} rows of ${servers}`)
  }
  return raw
}

function faults(raw: unknown): Fault[] {
  if (!Array.isArray(raw)) throw new Error('faults has to be a list')
  for (const fault of raw as Partial<Fault>[]) {
    if (!FAULTS.includes(fault.type ?? '')) throw new Error(`Real processes cannot be told to ${fault.type}: it is for the simulator`)
    if (typeof fault.atMs !== 'number') throw new Error(`${fault.type} has to have atMs`)
  }
  return raw as Fault[]
}
