import { fullLoad, rates, throughput, withLoad } from './loads.ts'
import type { Case, Scenario } from './port.ts'

const publishing = (name: string, batch: number, systems?: readonly string[]): Case => ({
  name,
  ...(systems ? { systems } : {}),
  measure: (cluster, seconds) =>
    withLoad(cluster, { batch, publishers: 16 }, async (load) => {
      const measured = await fullLoad(cluster, load, seconds)
      return rates(measured.messages, measured)
    }),
})

export const batch: Scenario = {
  id: 'p2',
  title: 'Publish, 16 messages per request',
  about: '16 publishers with one request outstanding each, one subscriber. The peers publish one message per request, 64 at a time.',
  servers: 1,
  systems: ['dred', 'dred-sqlite', 'socket.io-streams', 'jetstream'],
  cases: [
    publishing('16 per request', 16, ['dred', 'dred-sqlite']),
    {
      name: '1 per request',
      systems: ['socket.io-streams', 'jetstream'],
      measure: (cluster, seconds) =>
        withLoad(cluster, {}, async (load) => {
          const measured = await fullLoad(cluster, load, seconds)
          return rates(measured.messages, measured)
        }),
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
