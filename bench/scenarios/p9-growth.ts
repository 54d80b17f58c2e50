import { at, fullRate, latencies, warmUp, withLoad } from './loads.ts'
import type { Case, Scenario } from './port.ts'

const MESSAGES_PER_SECOND = 1_000

const channelsOf = (channels: number): Case => ({
  name: `${channels.toLocaleString('en')} channels`,
  measure: (cluster, seconds) =>
    withLoad(cluster, { channels }, async (load) => {
      await warmUp(cluster, load)
      return latencies(await load.paced(seconds, MESSAGES_PER_SECOND))
    }),
})

const subscribersOf = (subscribers: number): Case => ({
  name: `${subscribers.toLocaleString('en')} subscribers`,
  measure: fullRate({ publishers: 8, subscribersAt: at(0, subscribers) }, 'deliveries'),
})

export const growth: Scenario = {
  id: 'p9',
  title: 'Growth',
  about:
    'CPU per delivery with 10 and 10,000 channels of one subscriber each, 1,000 messages a second in all; and with 100 and 5,000 subscribers of one channel, eight publishers.',
  servers: 1,
  systems: ['dred'],
  cases: [channelsOf(10), channelsOf(10_000), subscribersOf(100), subscribersOf(5_000)],
  metrics: [{ name: 'cpuMicros', label: 'CPU µs per delivery', digits: 2 }],
  goals: [
    { case: '10,000 channels', metric: 'cpuMicros', sense: 'at most', ratio: 1.2, than: { system: 'dred', case: '10 channels' } },
    { case: '5,000 subscribers', metric: 'cpuMicros', sense: 'at most', ratio: 1.2, than: { system: 'dred', case: '100 subscribers' } },
  ],
}
