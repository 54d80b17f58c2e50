import { at, fullRate, throughput } from './loads.ts'
import type { Goal, Scenario } from './port.ts'

const goals = (name: string, ratios: Record<string, number>): Goal[] =>
  Object.entries(ratios).map(([system, ratio]) => ({ case: name, metric: 'perCpuSecond', sense: 'at least', ratio, than: { system } }))

export const threeServers: Scenario = {
  id: 'p4',
  title: 'Three servers, from the first to the third',
  about:
    '64 publishers at the first of three servers, the subscribers at the third. All processes of all three count. Each Dred server has a Redis of its own and signs and verifies as between strangers; the servers of a peer trust each other.',
  servers: 3,
  systems: ['dred', 'sketch', 'socket.io-streams', 'jetstream', 'nats'],
  more: ['streamr', 'gossipsub'],
  cases: [
    {
      name: 'publish, S=1',
      measure: fullRate({ subscribersAt: [2] }),
    },
    {
      name: 'fan-out, S=100',
      systems: ['dred', 'sketch', 'socket.io-streams', 'jetstream', 'nats'],
      measure: fullRate({ subscribersAt: at(2, 100) }, 'deliveries'),
    },
  ],
  metrics: throughput,
  plotted: 'perCpuSecond',
  goals: [
    ...goals('publish, S=1', { 'socket.io-streams': 2.5, jetstream: 1, streamr: 10, gossipsub: 20 }),
    ...goals('fan-out, S=100', { 'socket.io-streams': 8, jetstream: 5, nats: 0.7 }),
  ],
}
