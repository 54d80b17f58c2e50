import { Registry, collectDefaultMetrics } from 'prom-client'
import type { Definition } from './definition.ts'
import { events } from './events.ts'
import { readings } from './readings.ts'
import { relayReadings } from './relay-readings.ts'

export interface Section {
  title: string
  definitions: readonly Definition[]
}

type EventName = keyof typeof events

/** Every metric that a server tells, in the order of the documentation. */
export async function catalogue(): Promise<Section[]> {
  const { serving, tls, clients, notices, signatures, store, chain } = readings
  return [
    { title: 'Is it serving', definitions: [...serving, ...tls] },
    { title: 'Requests', definitions: [...named('requests', 'requestSeconds', 'problems', 'limited'), ...clients] },
    {
      title: 'Messages and streams',
      definitions: named('accepted', 'duplicates', 'publishSeconds', 'delivered', 'fanOutMessages', 'fanOutSeconds', 'streamsClosed'),
    },
    { title: 'Signatures', definitions: signatures },
    { title: 'Presence and revocations', definitions: notices },
    { title: 'Other servers', definitions: [...named('sent', 'replicated'), ...relayReadings] },
    { title: 'The store', definitions: [...named('storeSeconds', 'storeErrors', 'reconnects', 'purged', 'cut'), ...store] },
    { title: 'The chain', definitions: chain },
    { title: 'The process', definitions: await ofTheProcess() },
  ]
}

function named(...names: readonly EventName[]): Definition[] {
  return names.map((name) => events[name])
}

const processAdvice: Readonly<Record<string, string>> = {
  nodejs_eventloop_lag_p99_seconds: 'Above 0.1 s the process does too much: more processes ([scaling.md](scaling.md)), or fewer clients.',
  process_resident_memory_bytes: 'Grows without end: [memory](troubleshooting.md#memory).',
  process_open_fds: 'Near `process_max_fds`: raise the limit of open files.',
  nodejs_gc_duration_seconds: 'More than a tenth of the time: too little memory for what is held.',
}
const processLabels: Readonly<Record<string, string>> = {
  kind: '`major`, `minor`, `incremental`, `weakcb`',
  space: 'a heap space of V8',
  type: 'a kind of resource of Node.js',
  version: 'of Node.js',
  major: 'of Node.js',
  minor: 'of Node.js',
  patch: 'of Node.js',
}

/** What prom-client tells of a Node.js process. */
async function ofTheProcess(): Promise<Definition[]> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const metrics = registry.getMetricsAsArray() as unknown as { name: string; help: string; labelNames?: string[] }[]
  const types = new Map((await registry.getMetricsAsJSON()).map(({ name, type }) => [name, `${type}`]))
  return metrics.map(({ name, help, labelNames = [] }) => {
    const advice = processAdvice[name]
    return {
      name,
      type: types.get(name) as Definition['type'],
      help: help.replace(/\.$/, ''),
      labels: Object.fromEntries(labelNames.map((label) => [label, processLabels[label] ?? ''])),
      ...(advice === undefined ? {} : { advice }),
    }
  })
}
