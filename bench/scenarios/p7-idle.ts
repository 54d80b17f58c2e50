import { restingBytes } from '../lab/process.ts'
import type { Subscriber } from '../systems/port.ts'
import type { Scenario } from './port.ts'

const SUBSCRIBERS = 2_000
/** Connected before the first measurement, so that what every server needs once is not counted. */
const FIRST = 1_000
const AT_ONCE = 50
const REST_MS = 20_000

export const idle: Scenario = {
  id: 'p7',
  title: 'Idle subscribers',
  about: `Resident memory of all processes for each of ${SUBSCRIBERS.toLocaleString('en')} subscribers of one channel that get nothing, after the first ${FIRST.toLocaleString('en')}, and once it has rested for ${REST_MS / 1_000} s; every round with new servers.`,
  servers: 1,
  systems: ['dred', 'sketch', 'socket.io', 'ws'],
  fresh: true,
  cases: [
    {
      name: 'idle',
      async measure(cluster) {
        const [channel = ''] = await cluster.createChannels(1)
        const subscribers: Subscriber[] = []
        const connect = async (count: number): Promise<number> => {
          for (let i = 0; i < count; i += AT_ONCE) {
            const some = Array.from({ length: Math.min(AT_ONCE, count - i) }, () => cluster.subscribe(channel, 0, () => undefined))
            subscribers.push(...(await Promise.all(some)))
          }
          return restingBytes(cluster.pids, REST_MS)
        }
        const before = await connect(FIRST)
        const after = await connect(SUBSCRIBERS)
        for (const subscriber of subscribers) subscriber.close()
        return { kib: (after - before) / SUBSCRIBERS / 1_024, mib: after / 1_048_576 }
      },
    },
  ],
  metrics: [
    { name: 'kib', label: 'KiB per subscriber', digits: 1 },
    { name: 'mib', label: 'MiB in all', digits: 0 },
  ],
  plotted: 'kib',
  goals: [
    { case: 'idle', metric: 'kib', sense: 'at most', ratio: 1, than: { number: 14, unit: 'KiB' } },
    { case: 'idle', metric: 'kib', sense: 'at most', ratio: 0.6, than: { system: 'socket.io' } },
  ],
}
