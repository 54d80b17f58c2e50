import { quantile } from './measures.ts'
import { type Result, succeeded } from './result.ts'

/** A result for people. */
export function report(result: Result): string {
  const { published, expected, delivered, violations } = result
  const rows = [
    ['seed', result.seed],
    ['published', `${published} messages, ${delivered} of ${expected} deliveries (${percent(result.deliveredRatio)})`],
    ['copies per server', result.copiesPerServer],
    [
      'stretch',
      `mean ${result.stretchMean}, p99 ${result.stretchP99}; by ${result.hops.map((count, i) => `${i + 1} hops: ${count}`).join(', ')}`,
    ],
    ['repaired', percent(result.repaired)],
    ['latency', `p50 ${result.latencyMs.p50} ms, p99 ${result.latencyMs.p99} ms`],
    ['control bytes', `${result.controlBytesPerMessagePerServer} per message and server`],
    ['converged', result.convergedMsAfterHeal === null ? 'never' : `${result.convergedMsAfterHeal} ms after the last heal`],
    ...violations.map(({ invariant, atMs, detail, times }) => ['VIOLATED', `${invariant}, ${times} times, first at ${atMs} ms: ${detail}`]),
    ['', succeeded(result) ? 'Everything arrived, every invariant held.' : 'FAILED'],
  ]
  return rows.map(([name, value]) => `${String(name).padEnd(18)} ${value}`).join('\n')
}

const columns: [string, (result: Result) => number | null][] = [
  ['delivered', ({ deliveredRatio }) => deliveredRatio],
  ['copies', ({ copiesPerServer }) => copiesPerServer],
  ['stretch', ({ stretchMean }) => stretchMean],
  ['stretch p99', ({ stretchP99 }) => stretchP99],
  ['ms p50', ({ latencyMs }) => latencyMs.p50],
  ['ms p99', ({ latencyMs }) => latencyMs.p99],
  ['control B', ({ controlBytesPerMessagePerServer }) => controlBytesPerMessagePerServer],
  ['converged ms', ({ convergedMsAfterHeal }) => convergedMsAfterHeal ?? Number.POSITIVE_INFINITY],
  ['violations', ({ violations }) => violations.length],
]

/** Of each measure the middle one; the lower one of two. */
export function medians(results: readonly Result[]): Record<string, number> {
  const middle = columns.map(([name, of]) => {
    const values = results.map(of).filter((value) => value !== null)
    return [
      name,
      quantile(
        values.sort((a, b) => a - b),
        0.5,
      ) ?? Number.NaN,
    ] as const
  })
  return Object.fromEntries(middle)
}

/** A line for each seed and the medians. */
export function reportMany(results: readonly Result[]): string {
  const middle = medians(results)
  const lines = [
    ['seed', ...columns.map(([name]) => name), ''],
    ...results.map((result) => [String(result.seed), ...columns.map(([, of]) => shown(of(result))), succeeded(result) ? '' : 'FAILED']),
    [
      'median',
      ...columns.map(([name]) => shown(middle[name] ?? null)),
      `${results.filter((result) => !succeeded(result)).length} of ${results.length} failed`,
    ],
  ]
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0))) ?? []
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell.padStart(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function shown(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '–'
  if (!Number.isFinite(value)) return 'never'
  return String(value >= 100 ? Math.round(value) : Math.round(value * 10_000) / 10_000)
}

export function percent(share: number): string {
  return `${Math.round(share * 100_000) / 1_000} %`
}
