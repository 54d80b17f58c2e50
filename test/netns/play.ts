import type { Clients, Published } from './clients.ts'
import type { Deed, Play } from './scenario.ts'
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
export async function play(scenario: Play, stage: Stage): Promise<Played> {
  const startedAt = performance.now()
  const faults = happen(scenario.deeds, stage, startedAt)
  const publishing = publish(scenario, stage, startedAt)
  const healedAt = await faults
  await publishing
  return { startedAt, healedAt }
}

/** @returns when the last of it was done */
async function happen(deeds: readonly Deed[], stage: Stage, startedAt: number): Promise<number> {
  let endedAt = startedAt
  for (const deed of deeds) {
    await at(startedAt + deed.atMs)
    stage.log(`${(deed.atMs / 1000).toFixed(1)} s: ${describe(deed)}`)
    await perform(deed, stage)
    endedAt = performance.now()
  }
  return endedAt
}

function describe(deed: Deed): string {
  return `${deed.type} ${'servers' in deed ? deed.servers.join(', ') : deed.what}`
}

async function perform(deed: Deed, { servers, weather }: Stage): Promise<void> {
  const each = async (act: (server: Server) => Promise<void>): Promise<void> => {
    const hit = servers.filter(({ host }) => 'servers' in deed && deed.servers.includes(host.id))
    await Promise.all(hit.map(act))
  }
  switch (deed.type) {
    case 'kill':
      return each((server) => server.kill())
    case 'start':
      return each((server) => server.start())
    case 'kill store':
      return each((server) => server.killStore())
    case 'start store':
      return each((server) => server.startStore())
    case 'stop':
      return each((server) => server.signal('SIGSTOP'))
    case 'continue':
      return each((server) => server.signal('SIGCONT'))
    case 'cut':
    case 'mend':
      return weather.change(deed.type, deed.pairs)
  }
}

/** Each message goes out in its time, whatever became of those before it. */
async function publish({ durationMs, messagesPerSecond }: Play, { servers, clients }: Stage, startedAt: number): Promise<void> {
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
