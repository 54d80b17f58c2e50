import type { Report } from './report.ts'

/** A report for a person. */
export function table(report: Report): string {
  const { latencyMs, weather } = report
  const rows: [string, string][] = [
    ['messages published, acknowledged', `${report.published}, ${report.acknowledged}`],
    ['deliveries', `${report.delivered} of ${report.expected}`],
    ['lost, duplicated', `${report.lost}, ${report.duplicated}`],
    ['out of causal order', `${report.outOfCausalOrder}`],
    ['copies per server', number(report.copiesPerServer)],
    ['stretch: mean, median, p99', [report.stretchMean, report.stretchP50, report.stretchP99].map(number).join(', ')],
    ['latency: p50, p99', `${number(latencyMs.p50)} ms, ${number(latencyMs.p99)} ms`],
    ['bytes on the wire per message and server', number(report.wireBytesPerMessagePerServer)],
    ['control bytes per message and server', number(report.controlBytesPerMessagePerServer)],
    ['converged after heal', report.convergedMsAfterHeal === null ? '–' : `${number(report.convergedMsAfterHeal)} ms`],
    ['frames between servers, lost, cut off', `${weather.frames}, ${weather.lost}, ${weather.cut}`],
    ['frames late by: mean, most', `${number(weather.lateMs.mean)} ms, ${number(weather.lateMs.max)} ms`],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`)
  const verdict = report.violations.length === 0 ? 'Nothing was lost, nothing was delivered twice.' : report.violations.join('\n')
  return `${report.scenario}: ${report.servers} servers\n${lines.join('\n')}\n${verdict}\n`
}

function number(value: number | null): string {
  if (value === null) return '–'
  return value >= 100 ? value.toFixed(0) : value.toFixed(2)
}
