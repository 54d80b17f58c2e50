import type { Coordinate, VerifySignature } from '@dred/protocol'
import type { RelayBounds, RelayTimings, Topology } from '@dred/protocol/relay'
import type { RegistryView } from '../chain/port.ts'
import type { ServerKey } from '../chain/server-key.ts'
import type { Log } from '../log.ts'
import type { NoticeSpread } from '../notices/port.ts'
import type { Store } from '../store/port.ts'
import type { ReplicationEvents } from './port.ts'

export interface ReplicatorOptions {
  store: Store
  registry: RegistryView
  /** The registered key of this server. */
  key: Pick<ServerKey, 'sign' | 'keyId'>
  /** This server's id and its incarnation now. */
  self(): Pick<Coordinate, 'server' | 'incarnation'>
  /** Begins an incarnation later than this one, of which peers have what the store lacks, or may: it has lost something. */
  outgrow(incarnation: number): void
  /** What holds for a while, beside the log. */
  notices?: NoticeSpread
  events?: ReplicationEvents
  /** Of what devices signed; default WebCrypto. */
  verify?: VerifySignature
  log?: Log
  /** Default: shortest paths. */
  topology?: Topology
  /** Certificates in PEM form to trust instead of the system's, when dialling https endpoints. */
  tlsCa?: string | string[]
  timings?: Partial<Timings>
  /** Those of the relay itself. */
  relay?: { timings?: Partial<RelayTimings>; bounds?: Partial<RelayBounds> }
  /** Unix milliseconds. */
  now?(): number
}

/** Those of links, in milliseconds. */
export interface Timings {
  /** From dialling, or from the opening of a stream, to an authenticated link. */
  handshakeMs: number
  /** Between attempts to dial: exponential, with full jitter. */
  redial: { minMs: number; maxMs: number }
  /** Without a link to a peer that sent an invalid entry; doubles each time. */
  quarantine: { minMs: number; maxMs: number }
  /** Between attempts to reach a store that is out of reach. */
  storeRetryMs: number
  /** Between two parts of the notices that are said again. */
  noticeMs: number
}

export const defaultTimings: Timings = {
  handshakeMs: 5_000,
  redial: { minMs: 100, maxMs: 5_000 },
  quarantine: { minMs: 1_000, maxMs: 60_000 },
  storeRetryMs: 500,
  noticeMs: 5_000,
}
