import type { Clients, Published } from './clients.ts'
import type { Played } from './play.ts'
import type { Play } from './scenario.ts'
import type { Metrics, Server } from './server.ts'
import type { WeatherCount } from './weather.ts'

/** What came of a scenario, in the names of the simulator's result where both measure the same. */
export interface Report {
  scenario: string
  servers: number
  /** Messages handed to servers, and of these the ones that a server said it has durably. */
  published: number
  acknowledged: number
  /** The others, by status or error. */
  failures: Record<string, number>
  /** Acknowledged messages × servers, and how many of these readers were given. */
  expected: number
  delivered: number
  deliveredRatio: number
  /** Acknowledged messages that a server's history lacks, and messages that one has or delivered more than once. */
  lost: number
  duplicated: number
  /** Messages read before one that they follow. */
  outOfCausalOrder: number
  /** Messages that servers delivered although one that they follow had not come in time. */
  causalTimeouts: number | null
  /** Bodies that servers were sent by others, for each message and server that had to get it; null when the servers do not count them. */
  copiesPerServer: number | null
  /** From the reader at the server that took a message to the reader at another, over the shortest path. */
  stretchMean: number | null
  stretchP50: number | null
  stretchP99: number | null
  /** From handing a message over until a reader at another server was given it. */
  latencyMs: { p50: number | null; p99: number | null }
  /** Between servers, with TLS, TCP and acknowledgements, for each message and server that had to get it. */
  wireBytesPerMessagePerServer: number
  controlBytesPerMessagePerServer: number | null
  /** Of the servers' processes, clients and streams included. */
  cpuMsPerMessagePerServer: number | null
  convergedMsAfterHeal: number | null
  weather: WeatherCount
  /** What is wrong, in sentences; nothing when all is well. */
  violations: string[]
}

export interface Observed {
  scenario: Play
  clients: Clients
  played: Played
  servers: readonly Server[]
  /** History of each server. */
  histories: ReadonlyMap<number, readonly string[]>
  /** Before the load, in the order of the servers, and after all. */
  metrics: { before: readonly Metrics[]; after: readonly Metrics[] }
  weather: { before: WeatherCount; after: WeatherCount }
}

export function report(observed: Observed): Report {
  const { scenario, clients, servers, weather } = observed
  const acknowledged = clients.published.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined)
  const ids = servers.map(({ host }) => host.id)
  const expected = acknowledged.length * ids.length
  const delivered = sum(ids.map((id) => acknowledged.filter((message) => clients.received.get(id)?.has(message.id)).length))
  const lost = sum(ids.map((id) => missing(acknowledged, observed.histories.get(id) ?? [])))
  const duplicated = sum(ids.map((id) => doubles(observed, id)))
  const times = delays(observed, acknowledged)
  // Those too that a server took and whose sender it could not tell any more.
  const kept = new Set([...observed.histories.values()].flat()).size
  const copies = Math.max(1, kept * (ids.length - 1))
  const bytes = weather.after.bytes - weather.before.bytes
  const bodies = counted(observed, 'bodies')
  const control = counted(observed, 'control')
  const seconds = counted(observed, 'cpuSeconds')
  const outOfCausalOrder = sum(ids.map((id) => outOfOrder(clients, id)))
  const causalTimeouts = counted(observed, 'causalTimeouts')
  const violations = [
    ...(lost > 0 ? [`${lost} times an acknowledged message is not in a server's history`] : []),
    ...(duplicated > 0 ? [`${duplicated} times a message was delivered or kept twice`] : []),
    ...(delivered < expected ? [`${expected - delivered} of ${expected} deliveries did not happen`] : []),
    ...(outOfCausalOrder > 0 && causalTimeouts === 0 ? ['Messages were delivered before those that they follow'] : []),
    ...(acknowledged.length === 0 ? ['No message was acknowledged'] : []),
  ]
  return {
    scenario: scenario.name,
    servers: ids.length,
    published: clients.published.length,
    acknowledged: acknowledged.length,
    failures: failures(clients.published),
    expected,
    delivered,
    deliveredRatio: delivered / Math.max(1, expected),
    lost,
    duplicated,
    outOfCausalOrder,
    causalTimeouts,
    copiesPerServer: bodies === null ? null : bodies / copies,
    stretchMean: mean(times.stretch),
    stretchP50: quantile(times.stretch, 0.5),
    stretchP99: quantile(times.stretch, 0.99),
    latencyMs: { p50: quantile(times.latency, 0.5), p99: quantile(times.latency, 0.99) },
    wireBytesPerMessagePerServer: bytes / copies,
    controlBytesPerMessagePerServer: control === null ? null : control / copies,
    cpuMsPerMessagePerServer: seconds === null ? null : (1000 * seconds) / Math.max(1, kept * ids.length),
    convergedMsAfterHeal: converged(observed, acknowledged),
    weather: { ...weather.after, frames: weather.after.frames - weather.before.frames, bytes },
    violations,
  }
}

function failures(published: readonly Published[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { failure } of published) if (failure !== undefined) counts[failure] = (counts[failure] ?? 0) + 1
  return counts
}

function missing(acknowledged: readonly Published[], history: readonly string[]): number {
  const has = new Set(history)
  return acknowledged.filter(({ id }) => !has.has(id)).length
}

/** Messages that a server's history or its reader had more than once. */
function doubles({ histories, clients }: Observed, server: number): number {
  const history = histories.get(server) ?? []
  const deliveries = [...(clients.received.get(server)?.values() ?? [])]
  return history.length - new Set(history).size + sum(deliveries.map((times) => times.length - 1))
}

function outOfOrder({ published, received }: Clients, server: number): number {
  const order = new Map([...(received.get(server)?.keys() ?? [])].map((id, index) => [id, index]))
  const place = (id: string): number => order.get(id) ?? -1
  return published.filter(({ id, prev }) => place(id) >= 0 && prev.some((before) => place(before) > place(id))).length
}

/** Of every message at every other server: milliseconds until it was read, and how many times the shortest path's. */
function delays({ scenario, clients, servers }: Observed, acknowledged: readonly Published[]): { latency: number[]; stretch: number[] } {
  const shortest = shortestPaths(scenario.climate.latency)
  const latency: number[] = []
  const stretch: number[] = []
  for (const { id, server, at } of acknowledged) {
    const home = clients.received.get(server)?.get(id)?.[0]
    for (const { host } of servers) {
      const there = clients.received.get(host.id)?.get(id)?.[0]
      if (there === undefined || host.id === server) continue
      latency.push(there - at)
      const path = shortest[server - 1]?.[host.id - 1] ?? 0
      if (home !== undefined && path > 0) stretch.push((there - home) / path)
    }
  }
  return { latency: latency.sort((a, b) => a - b), stretch: stretch.sort((a, b) => a - b) }
}

/** @param latency one-way milliseconds between each two servers */
function shortestPaths(latency: readonly (readonly number[])[]): number[][] {
  const paths = latency.map((row) => [...row])
  for (const [via, onward] of paths.entries())
    for (const row of paths)
      for (const [to, direct] of row.entries()) row[to] = Math.min(direct, (row[via] ?? Infinity) + (onward[to] ?? Infinity))
  return paths
}

/** Milliseconds from the end of the last fault until every reader had all that was acknowledged before; null without faults. */
function converged({ scenario, clients, servers, played }: Observed, acknowledged: readonly Published[]): number | null {
  if (scenario.deeds.length === 0) return null
  const earlier = acknowledged.filter(({ acknowledgedAt }) => (acknowledgedAt ?? Infinity) <= played.healedAt)
  const arrivals = servers.flatMap(({ host }) => earlier.map(({ id }) => clients.received.get(host.id)?.get(id)?.[0] ?? Infinity))
  const last = arrivals.reduce((a, b) => Math.max(a, b), played.healedAt)
  return Number.isFinite(last) ? last - played.healedAt : null
}

/** The servers' own counters: every body that came from a peer, bytes of everything else that they sent, time that they took. */
const counters = {
  bodies: /^dred_relay_bodies_received_total\b/,
  causalTimeouts: /^dred_relay_causal_timeouts_total\b/,
  cpuSeconds: /^process_cpu_seconds_total\b/,
  control: /^dred_relay_sent_bytes_total\{kind="control"/,
}

function counted({ metrics }: Observed, counter: keyof typeof counters): number | null {
  const values = metrics.after.flatMap((after, index) =>
    [...after].filter(([name]) => counters[counter].test(name)).map(([name, value]) => value - (metrics.before[index]?.get(name) ?? 0)),
  )
  return values.length === 0 ? null : sum(values)
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const mean = (values: readonly number[]): number | null => (values.length === 0 ? null : sum(values) / values.length)
const quantile = (sorted: readonly number[], q: number): number | null => sorted[Math.ceil(q * sorted.length) - 1] ?? null
