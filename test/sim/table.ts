import type { ProtocolName } from './protocols.ts'
import { medians, percent } from './report.ts'
import { type Result, succeeded } from './result.ts'
import { type Run, runAll } from './runs.ts'
import type { Fault } from './scenario.ts'

const sizes = [3, 10, 25, 50, 100] as const
const protocols = ['spt', 'flood', 'gossip'] as const satisfies readonly ProtocolName[]

/** What goes wrong, in shares of the time in which clients publish. */
interface Trouble {
  name: string
  loss?: number
  /** From here to there. */
  fault?: { from: number; to: number } & Pick<Fault, 'type'> & { servers: string }
  /** Loss goes on until the end, or ends with publishing. */
  lossEnds?: boolean
}

const troubles: readonly Trouble[] = [
  { name: 'healthy' },
  { name: '10 % of frames lost, without end', loss: 0.1 },
  { name: '30 % of frames lost', loss: 0.3, lossEnds: true },
  { name: '30 % of servers crashed', fault: { type: 'crash', servers: '30%', from: 0.25, to: 0.75 } },
  { name: '30 % of servers cut off', fault: { type: 'partition', servers: '30%', from: 0.25, to: 0.75 } },
  { name: '20 % acknowledge and pass nothing on', fault: { type: 'drop-relay', servers: '20%', from: 0, to: 1 } },
]

/** Some things servers say once a minute: where control bytes are measured, that is in the time in which clients publish. */
const STEADY = { warmupMs: 10_000, durationMs: 60_000 }
/** The same in less computing, with a minute's worth of them in half a minute: what it tells is too much rather than too little. */
const STEADY_LARGE = { warmupMs: 40_000, durationMs: 30_000 }

function timesOf(name: string, size: number, protocol: ProtocolName): { warmupMs: number; durationMs: number } {
  if (name === 'healthy' && protocol === 'spt') return size > 50 ? STEADY_LARGE : STEADY
  return { warmupMs: 10_000, durationMs: size > 50 ? 5_000 : size > 25 ? 8_000 : 16_000 }
}

function scenarioOf({ name, loss = 0, lossEnds = false, fault }: Trouble, size: number, protocol: ProtocolName): object {
  const { warmupMs, durationMs } = timesOf(name, size, protocol)
  const drainMs = 14_000
  return {
    name: `${name}, ${size} servers`,
    servers: size,
    warmupMs,
    durationMs,
    drainMs,
    messagesPerSecond: protocol === 'spt' ? 20 : size > 25 ? 3 : 10,
    bodyBytes: 1_024,
    latency: 'regions',
    slowLinks: 0.05,
    deadLinks: 0.03,
    loss,
    lossUntilMs: lossEnds ? durationMs : durationMs + drainMs,
    faults: fault
      ? [{ atMs: fault.from * durationMs, type: fault.type, servers: fault.servers, forMs: (fault.to - fault.from) * durationMs }]
      : [],
  }
}

interface Cell {
  trouble: string
  size: number
  protocol: ProtocolName
  results: Result[]
}

/**
 * Runs what is in the table of docs/protocol/simulation.md and prints it, small neighborhoods first; after SIGINT what there is of it.
 * @param only one of the protocols; all of them unless given
 * @returns whether the product lost nothing and violated nothing in any run
 */
export async function printTable(
  seeds: readonly number[],
  { json, only }: { json: boolean; only: ProtocolName | undefined },
): Promise<boolean> {
  const chosen = only ? [only] : protocols
  const cells = new Map<object, Cell>()
  for (const trouble of troubles) {
    for (const size of sizes) {
      for (const protocol of chosen) cells.set(scenarioOf(trouble, size, protocol), { trouble: trouble.name, size, protocol, results: [] })
    }
  }
  let stopped = false
  process.once('SIGINT', () => (stopped = true))
  function* runs(): Generator<Run> {
    for (const size of sizes) {
      for (const seed of seeds) {
        for (const [scenario, cell] of cells) {
          if (stopped) return
          if (cell.size === size) yield { scenario, seed, protocol: cell.protocol }
        }
      }
    }
  }
  let count = 0
  await runAll(runs(), (result, run) => {
    const cell = cells.get(run.scenario)
    cell?.results.push(result)
    const failed = run.protocol === 'spt' && !succeeded(result)
    if (failed) process.stderr.write(`${cell?.trouble}, ${cell?.size} servers: seed ${run.seed} fails\n`)
    if (++count % 20 === 0) process.stderr.write(`${count} of ${seeds.length * cells.size} runs\n`)
  })
  const rows = [...cells.values()].filter(({ results }) => results.length > 0).map(rowOf)
  process.stdout.write(json ? `${JSON.stringify(rows, null, 2)}\n` : `${render(rows)}\n`)
  return rows.every(({ protocol, failed }) => protocol === 'flood' || protocol === 'gossip' || failed === 0)
}

interface Row {
  trouble: string
  servers: number
  protocol: ProtocolName
  seeds: number
  /** Deliveries of all seeds, of those expected. */
  delivered: number
  /** Slowest of all seeds; null when one never converged. */
  worstConvergedMs: number | null
  failed: number
  medians: Record<string, number>
}

function rowOf({ trouble, size, protocol, results }: Cell): Row {
  const sum = (of: (result: Result) => number) => results.reduce((total, result) => total + of(result), 0)
  const converged = results.map(({ convergedMsAfterHeal }) => convergedMsAfterHeal ?? Number.POSITIVE_INFINITY)
  const worst = Math.max(...converged)
  return {
    trouble,
    servers: size,
    protocol,
    seeds: results.length,
    delivered: sum(({ delivered }) => delivered) / sum(({ expected }) => expected),
    worstConvergedMs: Number.isFinite(worst) ? worst : null,
    failed: results.filter((result) => !succeeded(result)).length,
    medians: medians(results),
  }
}

/** Markdown. */
export function render(rows: readonly Row[]): string {
  const seeds = Math.min(...rows.map((row) => row.seeds))
  const tables = troubles.map(({ name }) =>
    [
      `### ${name[0]?.toUpperCase()}${name.slice(1)}`,
      '',
      '| N | protocol | delivered | copies | stretch | p50 ms | p99 ms | control B | converged ms (worst) |',
      '|---|---|---|---|---|---|---|---|---|',
      ...rows.filter(({ trouble }) => trouble === name).map(renderRow),
      '',
    ].join('\n'),
  )
  return `Medians over ${seeds} seeds.\n\n${tables.join('\n')}`
}

function renderRow({ servers, protocol, delivered, worstConvergedMs, medians: middle }: Row): string {
  const number = (column: string, decimals: number) => middle[column]?.toFixed(decimals) ?? '–'
  const converged = worstConvergedMs === null ? 'never' : `${number('converged ms', 0)} (${worstConvergedMs})`
  const name = protocol === 'flood' || protocol === 'gossip' ? protocol : `**dred** ${protocol}`
  const ways = [number('copies', 3), number('stretch', 2), number('ms p50', 0), number('ms p99', 0)]
  return `| ${[servers, name, percent(delivered), ...ways, number('control B', 0), converged].join(' | ')} |`
}
