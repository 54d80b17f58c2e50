import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Clients } from './clients.ts'
import { Neighborhood } from './neighborhood.ts'

/** MiB an hour that a process may grow, by the line that fits its minutes best, once it has run for a while. */
const GROWTH_MIB_PER_HOUR = 60
const WARM_UP_MINUTES = 5

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, load: { type: 'string', default: '0.3' }, redis: { type: 'string' } },
})
const write = (line: string): void => void process.stdout.write(`${line}\n`)
const minutes = Number(values.minutes)
const neighborhood = await Neighborhood.start(values.redis)
const clients = await Clients.start(neighborhood.urls)
const capacity = await clients.capacity(5_000)
const rate = capacity * Number(values.load)
write(`${Math.round(capacity)} messages a second is what it takes now; ${Math.round(rate)} from here on`)
const resident: number[][] = []
clients.run(rate)
for (let minute = 1; minute <= minutes; minute++) {
  await delay(60_000)
  const servers = await neighborhood.look()
  resident.push(servers.map(({ residentMib }) => residentMib))
  const { published, delivered, doubled, refused, channels } = clients.counts
  const each = servers.map((of) => `${of.residentMib.toFixed(0)}/${of.heapMib.toFixed(0)} MiB ${of.files} files ${of.lagMs.toFixed(0)} ms`)
  write(
    `${minute} min: ${each.join(' | ')}; ${published} published, ${delivered} delivered, ${doubled} twice, ${refused} refused, ${channels} channels`,
  )
}
const { lost, doubled } = await clients.stop()
const warm = resident.slice(WARM_UP_MINUTES)
const slopes = (resident[0] ?? []).map((_, server) => slopeOf(warm.map((of) => of[server] ?? 0)) * 60)
write(
  `${lost} lost, ${doubled} twice; MiB an hour: ${warm.length < 10 ? 'too short to say' : slopes.map((slope) => slope.toFixed(1)).join(', ')}`,
)
await neighborhood.close()
if (lost > 0 || doubled > 0 || (warm.length >= 10 && slopes.some((slope) => slope > GROWTH_MIB_PER_HOUR))) process.exitCode = 1

/** Of the line through values that are equally far apart, by least squares. */
function slopeOf(points: readonly number[]): number {
  const middle = (points.length - 1) / 2
  const mean = points.reduce((sum, value) => sum + value, 0) / points.length
  const [above, below] = points.reduce(([a, b], value, x) => [a + (x - middle) * (value - mean), b + (x - middle) ** 2], [0, 0])
  return below === 0 ? 0 : above / below
}
