import { Load, type Measured, type Setting } from '../lab/load.ts'
import { quantile } from '../lab/statistics.ts'
import type { Cluster } from '../systems/port.ts'
import type { Case, Metric, Sample } from './port.ts'

/** Messages per second that are prepared for before anything is known. */
const FIRST_GUESS = 4_000
interface Warmth {
  messages: number
  /** What is enough in any case. */
  seconds: number
}

/** JavaScript is compiled anew, in threads whose time counts too, for that long: after 20,000 messages of Dred a fifth of it went there. */
const AT_FIRST: Warmth = { messages: 60_000, seconds: 30 }
/** Some of that is compiled again after a server was quiet: in second rounds without this, for 180 µs a message instead of 20. */
const AFTER_REST: Warmth = { messages: 15_000, seconds: 6 }
const STEP_S = 0.5

/** Clusters whose code has been warm. */
const warm = new WeakSet<Cluster>()

export const throughput: readonly Metric[] = [
  { name: 'perCpuSecond', label: 'per CPU second', digits: 0 },
  { name: 'perSecond', label: 'per second', digits: 0 },
  { name: 'cpuMicros', label: 'CPU µs each', digits: 1 },
]

export const latency: readonly Metric[] = [
  { name: 'p50', label: 'p50 ms', digits: 2 },
  { name: 'p99', label: 'p99 ms', digits: 2 },
  { name: 'cpuMicros', label: 'CPU µs per delivery', digits: 1 },
]

export const at = (server: number, count: number): number[] => Array.from({ length: count }, () => server)

interface LoadOptions extends Partial<Omit<Setting, 'channels'>> {
  channels?: number
}

/** Connects, measures and checks that everybody got everything. @throws Error when not */
export async function withLoad<T>(cluster: Cluster, options: LoadOptions, measure: (load: Load) => Promise<T>): Promise<T> {
  const { channels = 1, publishers = 64, subscribersAt = [0], publishAt = 0, batch = 1 } = options
  const setting = { publishers, subscribersAt, publishAt, batch, channels: await cluster.createChannels(channels) }
  const load = await Load.connect(cluster, setting)
  let result: T
  try {
    result = await measure(load)
  } catch (error) {
    await load.close().catch(() => undefined)
    throw error
  }
  await load.close()
  return result
}

/** @returns messages per second once the servers are warm */
export async function warmUp(cluster: Cluster, load: Load): Promise<number> {
  // Each has its share only.
  const { processes = 1 } = cluster
  const enough = warm.has(cluster) ? AFTER_REST : AT_FIRST
  let perSecond = FIRST_GUESS
  let messages = 0
  let seconds = 0
  do {
    const step = await load.closedLoop(STEP_S, 1.3 * perSecond)
    perSecond = step.messages / step.seconds
    messages += step.messages
    seconds += step.seconds
  } while (messages < processes * enough.messages && seconds < processes * enough.seconds)
  warm.add(cluster)
  return perSecond
}

/** As fast as it goes with so many publishers. */
export async function fullLoad(cluster: Cluster, load: Load, seconds: number): Promise<Measured> {
  const perSecond = await warmUp(cluster, load)
  return load.closedLoop(seconds, 1.3 * perSecond)
}

export function rates(count: number, { seconds, cpuSeconds }: Measured): Sample {
  return { perCpuSecond: count / cpuSeconds, perSecond: count / seconds, cpuMicros: (cpuSeconds * 1e6) / count }
}

/** Measures what goes through, as fast as it goes: messages, or deliveries to all subscribers together. */
export function fullRate(options: LoadOptions = {}, of: 'messages' | 'deliveries' = 'messages'): Case['measure'] {
  return (cluster, seconds) =>
    withLoad(cluster, options, async (load) => {
      const measured = await fullLoad(cluster, load, seconds)
      return rates(measured[of], measured)
    })
}

export function latencies(measured: Measured): Sample {
  const { latencies = [], deliveries, cpuSeconds } = measured
  return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), cpuMicros: (cpuSeconds * 1e6) / deliveries }
}
