// Plays one scenario on real servers, in the hub's namespace: see main.ts, which makes the namespaces, starts this and
// prints the report.
import { parseArgs } from 'node:util'
import { Clients } from './clients.ts'
import { Lab } from './lab.ts'
import { createHosts } from './neighborhood.ts'
import { play } from './play.ts'
import { type Report, report } from './report.ts'
import { type Play, readPlay } from './scenario.ts'
import { Server } from './server.ts'
import { WeatherControl } from './weather-control.ts'

/** For the links between the servers to come up. */
const LINKS_MS = 30_000

async function run(scenario: Play, lab: Lab, folder: string): Promise<Report> {
  const log = (line: string): void => void process.stderr.write(`${line}\n`)
  const weather = await WeatherControl.start(scenario.climate)
  const neighborhood = await createHosts(scenario.servers, folder)
  log(`${scenario.servers} servers are registered.`)
  const servers = neighborhood.hosts.map((host) => new Server(host, lab.namespace(host.id)))
  for (const server of servers) await server.start()
  await connected(servers)
  await new Promise((resolve) => setTimeout(resolve, scenario.warmupMs))
  const clients = await Clients.open(neighborhood.hosts, neighborhood.id, scenario.bodyBytes)
  log(`All serve and are linked; ${scenario.messagesPerSecond} messages a second for ${scenario.durationMs / 1000} s …`)
  const everyone = async () => Promise.all(servers.map((server) => server.metrics()))
  const before = { metrics: await everyone(), weather: await weather.count() }
  const played = await play(scenario, { servers, clients, weather, log })
  const acknowledged = clients.published.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined)
  await clients.everywhere(acknowledged, scenario.drainMs)
  const after = { metrics: await everyone(), weather: await weather.count() }
  const histories = new Map<number, string[]>()
  for (const { host } of servers) histories.set(host.id, await clients.history(host.id))
  await clients.close()
  return report({
    scenario,
    clients,
    played,
    servers,
    histories,
    metrics: { before: before.metrics, after: after.metrics },
    weather: { before: before.weather, after: after.weather },
  })
}

/** @throws Error when not every server has a link to every other in time */
async function connected(servers: readonly Server[]): Promise<void> {
  const end = performance.now() + LINKS_MS
  for (const server of servers) {
    for (;;) {
      const peers = (await server.metrics()).get('dred_peers_connected') ?? 0
      if (peers >= servers.length - 1) break
      if (performance.now() > end) throw new Error(`Server ${server.host.id} has links to ${peers} of ${servers.length - 1} servers`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

const { values } = parseArgs({
  options: { scenario: { type: 'string' }, owner: { type: 'string' }, folder: { type: 'string' } },
})
if (!values.scenario || !values.owner || !values.folder) throw new Error('Started by main.ts only')
// The one who started this is gone: so is everything in the namespaces, sooner or later.
process.stdin.once('end', () => process.exit(1)).resume()
const result = await run(readPlay(values.scenario), new Lab(Number(values.owner)), values.folder)
process.stdout.write(JSON.stringify(result), () => process.exit())
