import type { Clients, Published } from './clients.ts'
import type { Fault, Scenario } from './scenario.ts'
import type { Server } from './server.ts'
import type { WeatherControl } from './weather-control.ts'

/** What a scenario is played on. */
export interface Stage {
  servers: readonly Server[]
  clients: Clients
  weather: WeatherControl
  log(line: string): void
}

/** Times on the clock of the messages. */
export interface Played {
  startedAt: number
  /** When the last fault was over; `startedAt` if there was none. */
  healedAt: number
}

/** Publishes at the scenario's pace, at each server that runs in turn, while its faults happen. Resolves when all of it is over. */
export async function play(scenario: Scenario, stage: Stage): Promise<Played> {
  const startedAt = performance.now()
  const faults = happen(scenario.faults, stage, startedAt)
  const publishing = publish(scenario, stage, startedAt)
  const healedAt = await faults
  await publishing
  return { startedAt, healedAt }
}

async function happen(faults: readonly Fault[], stage: Stage, startedAt: number): Promise<number> {
  let healedAt = startedAt
  for (const fault of faults) {
    await at(startedAt + fault.atMs)
    stage.log(`${(fault.atMs / 1000).toFixed(1)} s: ${describe(fault)}`)
    await bring(fault, stage)
    healedAt = performance.now()
  }
  return healedAt
}

function describe(fault: Fault): string {
  if (fault.type === 'heal') return 'heal'
  const to = fault.type === 'oneway' ? ` to ${fault.to.join(', ')}` : ''
  return `${fault.type} ${fault.servers.join(', ')}${to}`
}

async function bring(fault: Fault, { servers, weather }: Stage): Promise<void> {
  if (fault.type === 'heal') return weather.heal()
  const hit = servers.filter(({ host }) => fault.servers.includes(host.id))
  const others = servers.filter((server) => !hit.includes(server)).map(({ host }) => host.id)
  const each = async (act: (server: Server) => Promise<void>): Promise<void> => {
    await Promise.all(hit.map(act))
  }
  switch (fault.type) {
    case 'crash':
      return each((server) => server.kill())
    case 'restart':
      return each((server) => server.start())
    case 'pause':
      return each((server) => server.signal('SIGSTOP'))
    case 'resume':
      return each((server) => server.signal('SIGCONT'))
    case 'store-loss':
      return each((server) => server.killStore())
    case 'store-back':
      return each((server) => server.startStore())
    case 'partition':
      return weather.cut(
        fault.servers.flatMap((a) =>
          others.flatMap((b): [number, number][] => [
            [a, b],
            [b, a],
          ]),
        ),
      )
    case 'oneway':
      return weather.cut(fault.servers.flatMap((from) => fault.to.map((to): [number, number] => [from, to])))
  }
}

/** Each message goes out in its time, whatever became of those before it. */
async function publish({ durationMs, messagesPerSecond }: Scenario, { servers, clients }: Stage, startedAt: number): Promise<void> {
  const total = Math.round((durationMs / 1000) * messagesPerSecond)
  const running: Promise<Published>[] = []
  for (let n = 0; n < total; n++) {
    await at(startedAt + (n * 1000) / messagesPerSecond)
    // A client goes to a server that answers; which of them does not, a pause or a cut included, it cannot know.
    const candidates = servers.filter(({ runs }) => runs)
    const server = candidates[n % candidates.length]
    if (server) running.push(clients.publish(server.host.id))
  }
  await Promise.all(running)
}

async function at(time: number): Promise<void> {
  const waitMs = time - performance.now()
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
}
