import type { Counters } from './counters.ts'
import { Latencies } from './latencies.ts'
import type { TableSummary } from './ledger.ts'

export interface ServerSummary extends Counters {
  /** Registry id. */
  id: number
  endpoint: string
}

/** What a play came to. Counts of messages; see {@link TableSummary} for their meaning. */
export interface Summary {
  published: number
  expected: number
  delivered: number
  lost: number
  duplicates: number
  /** From the call of publish to the delivery at each other client, milliseconds; null when nothing was delivered. */
  latencyMs: { p50: number | null; p99: number | null }
  tables: TableSummary[]
  /** What each server counted meanwhile. */
  servers: ServerSummary[]
}

export function summarize(tables: readonly { summary: TableSummary; latencies: Latencies }[], servers: ServerSummary[]): Summary {
  const latencies = new Latencies()
  for (const table of tables) latencies.merge(table.latencies)
  const total = (field: 'published' | 'expected' | 'delivered' | 'lost' | 'duplicates'): number =>
    tables.reduce((sum, { summary }) => sum + summary[field], 0)
  return {
    published: total('published'),
    expected: total('expected'),
    delivered: total('delivered'),
    lost: total('lost'),
    duplicates: total('duplicates'),
    latencyMs: { p50: latencies.percentile(50), p99: latencies.percentile(99) },
    tables: tables.map(({ summary }) => summary),
    servers,
  }
}
