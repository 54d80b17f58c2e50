import type { Latencies } from './latencies.ts'
import type { TableSummary } from './ledger.ts'

/** What happens while the hands are played, for whoever shows it. */
export type ExampleEvent =
  /** A table is open and all its clients have joined. */
  | { type: 'table'; table: string; channel: string; clients: number }
  /** The table's first hand, or the first one again, begins in `inMs`. */
  | { type: 'due'; table: string; inMs: number }
  /** A message has reached the client whose turn is next, `latencyMs` after it was given to publish. */
  | { type: 'move'; table: string; hand: string; actor: string; text: string; latencyMs: number }
  | { type: 'hand'; table: string; hand: string; result: string }

export interface ExampleContext {
  neighborhood: string
  /** Base URLs of discovery services: all that the clients are told. */
  discovery: string[]
  /** The servers whose counters go into the summary. */
  servers: { id: number; endpoint: string; adminUrl: string }[]
  /** End after the last hand; else begin again until `signal` aborts. */
  once: boolean
  /** How many times faster than the hands were played. */
  speed: number
  /** Path of a PHH file; default the recorded hands that come with the example. */
  hands?: string
  signal: AbortSignal
  report(event: ExampleEvent): void
}

/** The books of one table, as they go into the summary. */
export interface TableBooks {
  summary: TableSummary
  latencies: Latencies
}
