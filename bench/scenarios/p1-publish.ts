import { fullRate, throughput } from './loads.ts'
import type { Scenario } from './port.ts'

export const publish: Scenario = {
  id: 'p1',
  title: 'Publish, one message per request',
  about: '64 publishers with one message outstanding each, one subscriber. Messages per second; each is acknowledged and delivered.',
  servers: 1,
  systems: ['dred', 'dred-sqlite', 'sketch', 'socket.io-streams', 'jetstream', 'nats', 'mosquitto', 'redis', 'socket.io', 'ws'],
  cases: [
    {
      name: 'P64',
      measure: fullRate(),
    },
  ],
  metrics: throughput,
  plotted: 'perCpuSecond',
  goals: [
    { case: 'P64', metric: 'perCpuSecond', sense: 'at least', ratio: 2, than: { system: 'socket.io-streams' } },
    { case: 'P64', metric: 'perCpuSecond', sense: 'at least', ratio: 0.5, than: { system: 'jetstream' } },
  ],
}
