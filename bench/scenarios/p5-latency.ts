import { at, latencies, latency, warmUp, withLoad } from './loads.ts'
import type { Case, Scenario } from './port.ts'

const MESSAGES_PER_SECOND = 500

const paced = (name: string, server: number): Case => ({
  name,
  measure: (cluster, seconds) =>
    withLoad(cluster, { publishers: 16, subscribersAt: at(server, 20) }, async (load) => {
      await warmUp(cluster, load)
      return latencies(await load.paced(seconds, MESSAGES_PER_SECOND))
    }),
})

const about = (where: string): string =>
  `500 messages a second, due at an even pace, to 20 subscribers ${where}. From when a message was due until a subscriber had it; at real-time priority where the machine allows it, the servers on both cores.`

export const latencyAtOne: Scenario = {
  id: 'p5',
  title: 'Latency at 500 messages a second',
  about: about('of the same server'),
  servers: 1,
  systems: ['dred', 'dred-sqlite', 'sketch', 'socket.io-streams', 'jetstream', 'nats', 'redis', 'socket.io', 'ws'],
  cases: [paced('one server', 0)],
  prioritised: true,
  metrics: latency,
  plotted: 'p99',
  goals: [
    { case: 'one server', metric: 'p50', sense: 'at most', ratio: 2.2, than: { system: 'nats' } },
    { case: 'one server', metric: 'p99', sense: 'at most', ratio: 2, than: { system: 'jetstream' } },
  ],
}

export const latencyAcross: Scenario = {
  id: 'p5-three',
  title: 'Latency across three servers',
  about: about('of the third server, published at the first'),
  servers: 3,
  systems: ['dred', 'sketch', 'socket.io-streams', 'jetstream', 'nats'],
  cases: [paced('three servers', 2)],
  prioritised: true,
  metrics: latency,
  plotted: 'p99',
  goals: [{ case: 'three servers', metric: 'p99', sense: 'at most', ratio: 1, than: { system: 'jetstream' } }],
}
