import { readFileSync } from 'node:fs'
import { type Fault, parseScenario, type Scenario, type Servers } from '../sim/scenario.ts'
import type { Climate } from './weather.ts'

/** Something that is done to the servers or between them while the load goes on. */
export type Deed = { atMs: number } & (
  | { type: ServerDeed; servers: number[] }
  /** In these directions nothing passes; or everything again. */
  | { type: 'cut' | 'mend'; pairs: [from: number, to: number][]; what: string }
)

type ServerDeed = 'kill' | 'start' | 'kill store' | 'start store' | 'stop' | 'continue'

/** A scenario of the simulator as real processes play it. Times are milliseconds. */
export interface Play {
  name: string
  servers: number
  durationMs: number
  drainMs: number
  /** Before the load, for links to come up and be measured. */
  warmupMs: number
  messagesPerSecond: number
  bodyBytes: number
  climate: Climate
  /** By time. */
  deeds: Deed[]
}

/** @throws ScenarioError when the file is no scenario, Error when it has something that only the simulator can do */
export function readPlay(file: string): Play {
  const scenario = parseScenario(JSON.parse(readFileSync(file, 'utf8')))
  const { name, servers, durationMs, drainMs, warmupMs, messagesPerSecond, bodyBytes, latency, jitter, loss, delayedLoss } = scenario
  if (latency === 'regions') throw new Error(`${file}: latency has to be a matrix for real processes`)
  if (loss > 0) throw new Error(`${file}: TCP brings every frame or none: delayedLoss is what there is between real processes`)
  return {
    name: name || file,
    servers,
    durationMs,
    drainMs,
    warmupMs,
    messagesPerSecond,
    bodyBytes,
    climate: { latency, jitterMs: jitter, loss: delayedLoss },
    deeds: deedsOf(scenario).sort((a, b) => a.atMs - b.atMs),
  }
}

function deedsOf(scenario: Scenario): Deed[] {
  const all = Array.from({ length: scenario.servers }, (_, index) => index + 1)
  return scenario.faults.flatMap((fault) => {
    const deeds = deedsOfFault(fault, all)
    if (!deeds) throw new Error(`Real processes cannot play ${fault.type}: it is for the simulator`)
    const [deed, undo] = deeds
    const forMs = 'forMs' in fault ? fault.forMs : undefined
    return forMs === undefined ? [deed] : [deed, { ...undo, atMs: fault.atMs + forMs }]
  })
}

function ids(servers: Servers): number[] {
  if (typeof servers === 'string') throw new Error(`Real processes have to be named: not ${servers} of them`)
  return servers
}

/** A fault, and what undoes it. */
function deedsOfFault(fault: Fault, all: readonly number[]): [Deed, Deed] | undefined {
  const { atMs, type } = fault
  const servers = fault.servers === undefined ? [...all] : ids(fault.servers)
  const others = all.filter((id) => !servers.includes(id))
  const toServers = (begin: ServerDeed, end: ServerDeed): [Deed, Deed] => [
    { atMs, type: begin, servers },
    { atMs, type: end, servers },
  ]
  const between = (pairs: [number, number][], what: string): [Deed, Deed] => [
    { atMs, type: 'cut', pairs, what },
    { atMs, type: 'mend', pairs, what },
  ]
  switch (type) {
    case 'crash':
      return fault.only ? toServers('kill store', 'start store') : toServers('kill', 'start')
    case 'pause':
      return toServers('stop', 'continue')
    case 'partition':
      return between([...ways(servers, others), ...ways(others, servers)], `${servers.join(', ')} off`)
    case 'oneway': {
      const to = fault.to === undefined ? others : ids(fault.to)
      return between(ways(servers, to), `${servers.join(', ')} → ${to.join(', ')}`)
    }
    // What was begun says itself how long it lasts; the rest is not done to processes.
    case 'restart':
    case 'heal':
    case 'slow':
    case 'drop-relay':
    case 'clock-skew':
    case 'disk-loss':
    case 'join':
    case 'leave':
      return undefined
  }
}

const ways = (from: readonly number[], to: readonly number[]): [number, number][] =>
  from.flatMap((a) => to.map((b): [number, number] => [a, b]))
