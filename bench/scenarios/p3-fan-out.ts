import { at, fullRate, throughput } from './loads.ts'
import type { Case, Goal, Scenario } from './port.ts'

const fanOutOf = (publishers: number): Case => ({
  name: `P${publishers}`,
  measure: fullRate({ publishers, subscribersAt: at(0, 100) }, 'deliveries'),
})

const ratios: Record<string, Record<string, number>> = {
  P64: { 'socket.io-streams': 8, jetstream: 6, nats: 2 },
  P8: { 'socket.io-streams': 3, jetstream: 3, nats: 1.2 },
  P1: { 'socket.io-streams': 1.2, jetstream: 2, nats: 1 },
}

export const fanOut: Scenario = {
  id: 'p3',
  title: 'Fan-out to 100 subscribers',
  about: '64, 8 and 1 publishers with one message outstanding each, 100 subscribers of the same channel. Deliveries per second.',
  servers: 1,
  systems: ['dred', 'sketch', 'socket.io-streams', 'jetstream', 'nats', 'mosquitto', 'redis', 'socket.io', 'ws'],
  cases: [64, 8, 1].map(fanOutOf),
  metrics: throughput,
  plotted: 'perCpuSecond',
  goals: Object.entries(ratios).flatMap(([name, peers]) =>
    Object.entries(peers).map(
      ([system, ratio]): Goal => ({ case: name, metric: 'perCpuSecond', sense: 'at least', ratio, than: { system } }),
    ),
  ),
}
