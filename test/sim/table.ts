import type { ProtocolName } from './protocols.ts'
import { medians, percent, shown } from './report.ts'
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
  return { warmupMs: 10_000, durationMs: size > 50 ? 6_000 : size > 25 ? 8_000 : 16_000 }
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
 * @returns whether the product lost nothing and violated nothing in any run
 */
export async function printTable(seeds: readonly number[], json: boolean): Promise<boolean> {
  const cells = new Map<object, Cell>()
  for (const trouble of troubles) {
    for (const size of sizes) {
      for (const protocol of protocols)
        cells.set(scenarioOf(trouble, size, protocol), { trouble: trouble.name, size, protocol, results: [] })
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
  const rows = [...cells.values()].filter(({ results }) => results.length > 0)
  process.stdout.write(json ? `${JSON.stringify(rows.map(summaryOf), null, 2)}\n` : `${render(rows)}\n`)
  return rows.every(({ protocol, results }) => protocol !== 'spt' || results.every(succeeded))
}

function summaryOf({ trouble, size, protocol, results }: Cell) {
  const delivered = results.reduce((sum, result) => sum + result.delivered, 0)
  const expected = results.reduce((sum, result) => sum + result.expected, 0)
  const failed = results.filter((result) => !succeeded(result)).length
  return { trouble, servers: size, protocol, seeds: results.length, ...medians(results), deliveredOfAll: delivered / expected, failed }
}

/** Markdown; what is told of deliveries is the sum of all seeds, the rest are medians. */
function render(rows: readonly Cell[]): string {
  const seeds = Math.min(...rows.map(({ results }) => results.length))
  const lines = troubles.map(({ name }) => {
    const table = rows
      .filter(({ trouble }) => trouble === name)
      .map((cell) => {
        const { deliveredOfAll } = summaryOf(cell)
        const middle = medians(cell.results)
        const spt = cell.protocol === 'spt'
        const values = ['copies', 'stretch', 'ms p50', 'ms p99'].map((column) => shown(middle[column] ?? null))
        const converged = deliveredOfAll === 1 ? shown(middle['converged ms'] ?? null) : 'never'
        const worst =
          deliveredOfAll === 1
            ? shown(Math.max(...cell.results.map((result) => result.convergedMsAfterHeal ?? Number.POSITIVE_INFINITY)))
            : 'never'
        const cells = [
          cell.size,
          spt ? '**dred**' : cell.protocol,
          percent(deliveredOfAll),
          ...values,
          shown(middle['control B'] ?? null),
          `${converged} (${worst})`,
        ]
        return `| ${cells.join(' | ')} |`
      })
    return [
      `### ${name[0]?.toUpperCase()}${name.slice(1)}`,
      '',
      '| N | protocol | delivered | copies | stretch | p50 ms | p99 ms | control B | converged ms (worst) |',
      '|---|---|---|---|---|---|---|---|---|',
      ...table,
      '',
    ].join('\n')
  })
  return `Medians over ${seeds} seeds.\n\n${lines.join('\n')}`
}
