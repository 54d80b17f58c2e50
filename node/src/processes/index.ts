import type { RegistryView } from '../chain/port.ts'
import type { Incarnation } from '../incarnation.ts'
import type { Log } from '../log.ts'
import type { Replicator } from '../peers/port.ts'
import type { Store } from '../store/port.ts'
import { oneProcess, type ProcessesConfig } from './config.ts'
import { SharedReplicator } from './shared-replicator.ts'

export interface Replication {
  replicator: Replicator
  /** Whether this process does what only one of its server does. */
  leads: () => boolean
}

export interface ReplicationOptions {
  store: Store
  registry: RegistryView
  incarnation: Incarnation
  settings: ProcessesConfig | undefined
  /** Makes what has the links to the peers. */
  replicatorFactory: () => Replicator
  /** Unix milliseconds. */
  now: () => number
  log: Log
}

/** Replication of a server that is this process alone or, in a store that processes share, of this process among them. */
export function createReplication({ incarnation, settings = oneProcess, ...options }: ReplicationOptions): Replication {
  const { shared } = options.store
  if (!shared) return { replicator: options.replicatorFactory(), leads: () => true }
  incarnation.join(shared)
  const { internalHost } = settings
  const replicator = new SharedReplicator({
    ...options,
    shared,
    self: () => incarnation.self,
    renew: () => incarnation.renew(),
    internalHost,
  })
  return { replicator, leads: () => replicator.leads }
}
