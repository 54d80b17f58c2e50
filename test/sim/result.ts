import type { Violation } from './checks.ts'
import type { Happening } from './faults.ts'
import { mean, quantile } from './measures.ts'
import type { SimulatedServer } from './server.ts'
import type { World } from './world.ts'

/** What a simulation tells. Times are milliseconds. */
export interface Result {
  seed: number
  servers: number
  /** Messages that clients were told were stored. */
  published: number
  /** Deliveries: of each message on a store that is left, to each living server but the one that took it. */
  expected: number
  delivered: number
  deliveredRatio: number
  /** Bodies that arrived for each delivery. */
  copiesPerServer: number
  /** Of deliveries by the tree: how long until the body arrived, over the latency of the shortest way. */
  stretchMean: number | null
  stretchP99: number | null
  /** From durable where the client handed it over to durable where it was delivered. */
  latencyMs: { p50: number | null; p99: number | null }
  /** While clients published. */
  controlBytesPerMessagePerServer: number | null
  /** From the last heal until everything published before it was everywhere; null when it never was. */
  convergedMsAfterHeal: number | null
  violations: Violation[]
  /** Whether at the end all servers ran, with their stores, and every link was open. */
  whole: boolean
  /** Share of first arrivals that were not by the tree. */
  repaired: number
  /** Deliveries by the tree, by servers that sent: the first number is of those that came straight from the origin. */
  hops: number[]
  /** Of all frames, by type. */
  bytes: Record<string, number>
  /** Of the relay cores that run at the end, added up. */
  counters: Record<string, number>
}

/** For the picture. */
export interface Detail {
  latencies: number[]
  stretches: number[]
  /** When deliveries became expected, and when they were made. */
  expectedMs: number[]
  deliveredMs: number[]
  happenings: Happening[]
  endMs: number
}

/** Clocks may be wrong by this, on top of what a scenario says, when it is judged whether a message had expired. */
const EXPIRY_MARGIN_MS = 2_000

interface Ending {
  seed: number
  happenings: Happening[]
  healedMs: number
}

export function summarise(world: World, { seed, happenings, healedMs }: Ending): { result: Result; detail: Detail } {
  const { messages, measures, checks, network, scenario } = world
  const servers = [...world.servers.values()]
  const survivors = servers.filter(({ running }) => running)
  const living = survivors.filter((server) => server.serving && !server.leaving)
  const skewMs = Math.max(...servers.map((server) => Math.abs(server.skewMs)))
  const expiredBefore = world.unixMs + skewMs + EXPIRY_MARGIN_MS
  checks.converged(living, survivors, expiredBefore)
  const detail: Detail = {
    latencies: [],
    stretches: measures.stretches.sort((a, b) => a - b),
    expectedMs: [],
    deliveredMs: [],
    happenings,
    endMs: world.nowMs,
  }
  let convergedMs = 0
  /** Deliveries of what has expired since: nobody expects them, but each took a copy. */
  let past = 0
  for (const { id, expiresAt, accepted } of messages.all) {
    const first = accepted[0]
    if (!first) continue
    const receivers = living.filter((server) => server.id !== first.entry.coordinate.server)
    if (expiresAt < expiredBefore) past += receivers.filter(({ store }) => store.ids.has(id)).length
    if (expiresAt < expiredBefore || !survivors.some(({ store }) => store.ids.has(id))) continue
    for (const server of receivers) {
      const atMs = server.store.ids.get(id)
      detail.expectedMs.push(first.atMs)
      if (first.atMs <= healedMs) convergedMs = Math.max(convergedMs, (atMs ?? Number.POSITIVE_INFINITY) - healedMs)
      if (atMs === undefined) continue
      detail.deliveredMs.push(atMs)
      detail.latencies.push(atMs - first.atMs)
    }
  }
  for (const list of [detail.latencies, detail.expectedMs, detail.deliveredMs]) list.sort((a, b) => a - b)
  const published = messages.all.filter(({ accepted }) => accepted.length > 0).length
  const [expected, delivered] = [detail.expectedMs.length, detail.deliveredMs.length]
  const arrivals = measures.hops.reduce((sum, count) => sum + (count ?? 0), 0) + measures.repaired
  const result: Result = {
    seed,
    servers: scenario.servers,
    published,
    expected,
    delivered,
    deliveredRatio: expected === 0 ? 1 : delivered / expected,
    copiesPerServer: round(measures.bodies / Math.max(1, expected + past)) ?? 0,
    stretchMean: round(mean(detail.stretches)),
    stretchP99: round(quantile(detail.stretches, 0.99)),
    latencyMs: { p50: round(quantile(detail.latencies, 0.5)), p99: round(quantile(detail.latencies, 0.99)) },
    controlBytesPerMessagePerServer: published === 0 ? null : round(measures.controlBytes / published / scenario.servers),
    convergedMsAfterHeal: Number.isFinite(convergedMs) ? Math.round(convergedMs) : null,
    violations: checks.violations,
    whole: network.open && survivors.length === servers.length && survivors.every(({ serving }) => serving),
    repaired: round(measures.repaired / Math.max(1, arrivals)) ?? 0,
    hops: Array.from({ length: Math.max(0, measures.hops.length - 1) }, (_, i) => measures.hops[i + 1] ?? 0),
    bytes: measures.bytes,
    counters: counted(living),
  }
  return { result, detail }
}

/** Whether a run is a success: nothing lost, nothing violated. */
export function succeeded({ expected, delivered, violations }: Result): boolean {
  return delivered === expected && violations.length === 0
}

function counted(servers: readonly SimulatedServer[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { machine } of servers) {
    for (const [name, count] of Object.entries(machine?.counters ?? {}))
      if (typeof count === 'number') sums[name] = (sums[name] ?? 0) + count
  }
  return sums
}

function round(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 1_000) / 1_000
}
