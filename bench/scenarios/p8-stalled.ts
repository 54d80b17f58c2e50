import type { Load } from '../lab/load.ts'
import { residentBytes } from '../lab/process.ts'
import type { Cluster, Subscriber } from '../systems/port.ts'
import { at, fullLoad, rates, withLoad } from './loads.ts'
import type { Sample, Scenario } from './port.ts'

const STALLED = 10
const SAMPLE_MS = 100

/** The rate of those who read, and the most memory that the servers of clients have meanwhile. */
async function observed(cluster: Cluster, load: Load, seconds: number): Promise<Sample> {
  let most = 0
  const look = (): void => {
    most = Math.max(most, residentBytes(cluster.frontPids))
  }
  const watch = setInterval(look, SAMPLE_MS)
  try {
    const measured = await fullLoad(cluster, load, seconds)
    look()
    return { ...rates(measured.deliveries, measured), mib: most / 1_048_576 }
  } finally {
    clearInterval(watch)
  }
}

export const stalled: Scenario = {
  id: 'p8',
  title: 'Ten stalled subscribers',
  about:
    '64 publishers, 100 subscribers, first alone, then beside ten that are connected and do not read. Deliveries to those who read, and the most resident memory that the process that serves them has meanwhile (without Redis, which keeps what is published).',
  servers: 1,
  systems: ['dred', 'socket.io-streams', 'nats'],
  cases: [
    {
      name: 'alone',
      async measure(cluster, seconds) {
        return withLoad(cluster, { subscribersAt: at(0, 100) }, async (load) => {
          // Not looked at, as in the other case: so that neither has the colder code, or grows by what the heap grows under any load.
          await fullLoad(cluster, load, seconds)
          return observed(cluster, load, seconds)
        })
      },
    },
    {
      name: 'beside ten stalled',
      async measure(cluster, seconds) {
        return withLoad(cluster, { subscribersAt: at(0, 100) }, async (load) => {
          await fullLoad(cluster, load, seconds)
          const idlers: Subscriber[] = []
          for (let i = 0; i < STALLED; i++) {
            const idler = await cluster.subscribe(load.channels[0] ?? '', 0, () => undefined)
            idler.pause()
            idlers.push(idler)
          }
          const sample = await observed(cluster, load, seconds)
          for (const idler of idlers) idler.close()
          return sample
        })
      },
    },
  ],
  metrics: [
    { name: 'perCpuSecond', label: 'per CPU second', digits: 0 },
    { name: 'perSecond', label: 'per second', digits: 0 },
    { name: 'mib', label: 'MiB at most', digits: 0 },
  ],
  goals: [
    { case: 'beside ten stalled', metric: 'perCpuSecond', sense: 'at least', ratio: 0.9, than: { system: 'dred', case: 'alone' } },
    { case: 'beside ten stalled', metric: 'mib', sense: 'at most', ratio: 30, than: { system: 'dred', case: 'alone' }, difference: true },
  ],
}
