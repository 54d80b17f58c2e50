import { fields, table } from '../output.ts'
import type { Summary } from './example.ts'

/** Whether every client of every table got every message. */
export function isComplete(summary: Summary): boolean {
  return summary.lost === 0 && summary.tables.every(({ complete }) => complete)
}

/** The summary for people. @param options.stopped whether the play was ended before its end */
export function renderSummary(summary: Summary, options: { stopped: boolean }): string {
  const { published, expected, delivered, lost, duplicates, latencyMs } = summary
  const totals = fields([
    ['published', String(published)],
    ['delivered', `${delivered} of ${expected}`],
    ['lost', String(lost)],
    ['duplicates', String(duplicates)],
    ['latency', `p50 ${milliseconds(latencyMs.p50)}, p99 ${milliseconds(latencyMs.p99)}`],
  ])
  const tables = table(
    ['TABLE', 'CLIENTS', 'PUBLISHED', 'DELIVERED', 'LOST', 'DUPLICATES', 'COMPLETE'],
    summary.tables.map((row) => [
      row.table,
      String(row.clients),
      String(row.published),
      `${row.delivered}/${row.expected}`,
      String(row.lost),
      String(row.duplicates),
      row.complete ? 'yes' : options.stopped && row.lost === 0 ? 'stopped' : 'NO',
    ]),
  )
  const servers = table(
    ['SERVER', 'ACCEPTED', 'REPLICATED', 'DELIVERED', 'ENDPOINT'],
    summary.servers.map((row) => [String(row.id), String(row.accepted), String(row.replicated), String(row.delivered), row.endpoint]),
  )
  return [totals, tables, servers].join('\n\n')
}

export function milliseconds(value: number | null): string {
  if (value === null) return '–'
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
}
