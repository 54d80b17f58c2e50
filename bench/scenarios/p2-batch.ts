import { fullRate, throughput } from './loads.ts'
import type { Scenario } from './port.ts'

export const batch: Scenario = {
  id: 'p2',
  title: 'Publish, 16 messages per request',
  about: '16 publishers with one request outstanding each, one subscriber. The peers publish one message per request, 64 at a time.',
  servers: 1,
  systems: ['dred', 'dred-sqlite', 'sketch', 'socket.io-streams', 'jetstream'],
  cases: [
    { name: '16 per request', systems: ['dred', 'dred-sqlite', 'sketch'], measure: fullRate({ batch: 16, publishers: 16 }) },
    {
      name: '1 per request',
      systems: ['socket.io-streams', 'jetstream'],
      measure: fullRate(),
    },
  ],
  metrics: throughput,
  plotted: 'perCpuSecond',
  goals: [
    {
      case: '16 per request',
      metric: 'perCpuSecond',
      sense: 'at least',
      ratio: 8,
      than: { system: 'socket.io-streams', case: '1 per request' },
    },
    { case: '16 per request', metric: 'perCpuSecond', sense: 'at least', ratio: 1.5, than: { system: 'jetstream', case: '1 per request' } },
  ],
}
