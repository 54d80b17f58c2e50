import type { Report } from './report.ts'
import type { Simulated } from './simulated.ts'

type Row = [name: string, measured: string, simulated?: string | undefined]

/** A report for a person, with what the simulator says of the same scenario beside it. */
export function table(report: Report, simulated?: Simulated): string {
  const rows: Row[] = [
    ['', 'measured', simulated ? `simulated, median of ${simulated.seeds} seeds` : ''],
    ['messages published, acknowledged', `${report.published}, ${report.acknowledged}`],
    [
      'not acknowledged',
      Object.entries(report.failures)
        .map(([why, count]) => `${why}: ${count}`)
        .join(', ') || '–',
    ],
    ['delivered', `${report.delivered} of ${report.expected}`, simulated && percent(simulated.deliveredRatio)],
    ['lost, duplicated', `${report.lost}, ${report.duplicated}`],
    ['out of causal order, waited for in vain', `${report.outOfCausalOrder}, ${report.causalTimeouts ?? '–'}`],
    ...compared(report, simulated),
    ['bytes on the wire per message and server', number(report.wireBytesPerMessagePerServer)],
    ['CPU per message and server (ms)', number(report.cpuMsPerMessagePerServer)],
    ['frames between servers, lost, cut off', `${report.weather.frames}, ${report.weather.lost}, ${report.weather.cut}`],
    ['frames late by: mean, most', `${number(report.weather.lateMs.mean)} ms, ${number(report.weather.lateMs.max)} ms`],
  ]
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (cell ?? '').padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const verdict = report.violations.length === 0 ? 'Nothing was lost, nothing was delivered twice.' : report.violations.join('\n')
  return `${report.scenario}: ${report.servers} servers\n${lines.join('\n')}\n${verdict}\n`
}

/** What both measure. */
function compared(report: Report, simulated: Simulated | undefined): Row[] {
  const row = (name: string, of: (values: Report | Simulated) => number | null): Row => [
    name,
    number(of(report)),
    simulated && number(of(simulated)),
  ]
  return [
    row('copies per server', ({ copiesPerServer }) => copiesPerServer),
    row('stretch, mean', ({ stretchMean }) => stretchMean),
    row('stretch, p99', ({ stretchP99 }) => stretchP99),
    row('latency, p50 (ms)', ({ latencyMs }) => latencyMs.p50),
    row('latency, p99 (ms)', ({ latencyMs }) => latencyMs.p99),
    row('control bytes per message and server', (values) => values.controlBytesPerMessagePerServer),
    row('converged after heal (ms)', (values) => values.convergedMsAfterHeal),
  ]
}

function number(value: number | null): string {
  if (value === null) return '–'
  return value >= 100 ? value.toFixed(0) : value.toFixed(2)
}

function percent(share: number | null): string {
  return share === null ? '–' : `${number(share * 100)} %`
}
