import { at, rates, throughput, withLoad } from './loads.ts'
import type { Scenario } from './port.ts'

/** Shows that measuring works, with a peer that is installed anyway: not how fast anything is. */
export const quick: Scenario = {
  id: 'quick',
  title: 'Smoke test',
  about: 'Four publishers, three subscribers.',
  servers: 1,
  systems: ['dred', 'redis'],
  cases: [
    {
      name: 'P4',
      measure: (cluster, seconds) =>
        withLoad(cluster, { publishers: 4, subscribersAt: at(0, 3) }, async (load) => {
          const measured = await load.closedLoop(seconds, 4_000)
          return { ...rates(measured.deliveries, measured), messages: measured.messages, deliveries: measured.deliveries }
        }),
    },
  ],
  metrics: throughput,
  goals: [],
}
