import type { Measured } from '../lab/load.ts'
import { at, fullLoad, withLoad } from './loads.ts'
import type { Case, Sample, Scenario } from './port.ts'

const CORES = 2

/**
 * What so many processes would carry on cores of their own, one for one process and two for two: all of the processor time shared out
 * evenly, though no process, Redis among them, can have more than one core.
 */
function capacity(count: number, { cpuSeconds, cpuByProcess }: Measured, cores: number): Sample {
  const longest = Math.max(cpuSeconds / cores, ...cpuByProcess)
  return {
    capacity: count / longest,
    cpuMicros: (cpuSeconds * 1e6) / count,
    busiestMicros: (Math.max(...cpuByProcess) * 1e6) / count,
  }
}

const loaded = (name: string, subscribers: number): Case => ({
  name,
  measure: (cluster, seconds) =>
    withLoad(cluster, { subscribersAt: at(0, subscribers) }, async (load) => {
      const measured = await fullLoad(cluster, load, seconds)
      return capacity(measured.deliveries, measured, cluster.frontPids.length === 1 ? 1 : CORES)
    }),
})

export const twoProcesses: Scenario = {
  id: 'p10',
  title: 'Two processes on one Redis, two cores',
  about:
    '64 publishers; one process with its Redis on one core, and two processes with theirs on two. *Per second at full cores* is computed from the processor time of each process, since a core more than two would be needed to have the load generator aside.',
  servers: 1,
  systems: ['dred', 'dred-2'],
  cases: [loaded('publish, S=1', 1), loaded('fan-out, S=100', 100)],
  metrics: [
    { name: 'capacity', label: 'per second at full cores', digits: 0 },
    { name: 'cpuMicros', label: 'CPU µs each', digits: 1 },
    { name: 'busiestMicros', label: 'of which the busiest process', digits: 1 },
  ],
  goals: ['publish, S=1', 'fan-out, S=100'].map((name) => ({
    of: 'dred-2',
    case: name,
    metric: 'capacity',
    sense: 'at least',
    ratio: 1.6,
    than: { system: 'dred' },
  })),
}
