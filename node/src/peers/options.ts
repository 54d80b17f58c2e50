import type { Coordinate } from '@dred/protocol'
import type { Topology } from '@dred/protocol/relay'
import type { RegistryView } from '../chain/port.ts'
import type { ServerKey } from '../chain/server-key.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/port.ts'
import type { ReplicationEvents } from './port.ts'

export interface ReplicatorOptions {
  store: Store
  registry: RegistryView
  /** The registered key of this server. */
  key: Pick<ServerKey, 'sign' | 'keyId'>
  /** This server's id and its incarnation now. */
  self(): Pick<Coordinate, 'server' | 'incarnation'>
  /** Peers have entries that this server counted in an incarnation that it does not know and that is not over: a later one has to begin. */
  outgrow(incarnation: number): void
  events?: ReplicationEvents
  log?: Log
  /** Default: every server sends to every other itself. */
  topology?: Topology
  /** Certificates in PEM form to trust instead of the system's, when dialling https endpoints. */
  tlsCa?: string | string[]
  timings?: Partial<Timings>
  /** Unix milliseconds. */
  now?(): number
}

/** All in milliseconds. */
export interface Timings {
  /** From dialling, or from the opening of a stream, to an authenticated link. */
  handshakeMs: number
  /** Between version vectors, if there is something new to say. */
  vectorMs: number
  /** Before a version vector that a peer needs to go on. */
  soonMs: number
  pingMs: number
  /** A peer that says nothing for this long is gone. */
  silentMs: number
  /** For the answer to a PULL. */
  pullMs: number
  /** Before the entries of a connected origin are pulled from another server: they may be on their way. */
  graceMs: number
  /** Before a peer is asked again for what it turned out not to give. */
  retryMs: number
  /** Between attempts to dial: exponential, with full jitter. */
  redial: { minMs: number; maxMs: number }
  /** Without a link to a peer that sent an invalid entry; doubles each time. */
  quarantine: { minMs: number; maxMs: number }
}

export const defaultTimings: Timings = {
  handshakeMs: 5_000,
  vectorMs: 1_000,
  soonMs: 50,
  pingMs: 3_000,
  silentMs: 9_000,
  pullMs: 10_000,
  graceMs: 300,
  retryMs: 1_000,
  redial: { minMs: 100, maxMs: 5_000 },
  quarantine: { minMs: 1_000, maxMs: 60_000 },
}
