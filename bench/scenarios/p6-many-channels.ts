import { latencies, latency, warmUp, withLoad } from './loads.ts'
import type { Scenario } from './port.ts'

const CHANNELS = 1_000

export const manyChannels: Scenario = {
  id: 'p6',
  title: '1,000 channels of two members',
  about: '1,000 channels with two subscribers each and a message a second in each channel, one after the other.',
  servers: 1,
  systems: ['dred', 'sketch', 'socket.io-streams', 'jetstream', 'nats', 'mosquitto', 'socket.io', 'ws'],
  cases: [
    {
      name: '1 msg/s each',
      measure: (cluster, seconds) =>
        withLoad(cluster, { channels: CHANNELS, subscribersAt: [0, 0] }, async (load) => {
          await warmUp(cluster, load)
          return latencies(await load.paced(seconds, CHANNELS))
        }),
    },
  ],
  metrics: latency,
  plotted: 'cpuMicros',
  goals: [
    { case: '1 msg/s each', metric: 'cpuMicros', sense: 'at most', ratio: 0.85, than: { system: 'socket.io-streams' } },
    { case: '1 msg/s each', metric: 'cpuMicros', sense: 'at most', ratio: 0.55, than: { system: 'jetstream' } },
  ],
}
