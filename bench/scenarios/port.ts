import type { Cluster } from '../systems/port.ts'

/** What one round measured, by metric. */
export type Sample = Readonly<Record<string, number>>

/** One way of loading the servers of a scenario. */
export interface Case {
  name: string
  /** Of the systems of the scenario; all by default. */
  systems?: readonly string[]
  measure(cluster: Cluster, seconds: number): Promise<Sample>
}

export interface Metric {
  name: string
  label: string
  digits: number
}

/** What Dred has to reach: `ratio` times what another system, or another case of its own, reaches, or a number. */
export interface Goal {
  /** Dred by default. */
  of?: string
  case: string
  metric: string
  sense: 'at least' | 'at most'
  ratio: number
  than: { system: string; case?: string } | { number: number; unit: string }
  /** The ratio is a difference. */
  difference?: boolean
}

export interface Scenario {
  id: string
  title: string
  /** What is done, and how the figures are to be read. */
  about: string
  servers: number
  /** Names; the first is Dred. */
  systems: readonly string[]
  /** Others that are measured only when they are asked for. */
  more?: readonly string[]
  cases: readonly Case[]
  metrics: readonly Metric[]
  /** The metric for the plot. */
  plotted?: string
  goals: readonly Goal[]
  /** At real-time priority where that is allowed: other work on the machine would be taken for latency. */
  prioritised?: boolean
  /** Starts each round anew. */
  fresh?: boolean
}
