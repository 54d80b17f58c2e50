import type { Coordinate, VerifySignature } from '@dred/protocol'
import type { FastifyBaseLogger } from 'fastify'
import type { RegistryView } from './chain/port.ts'
import type { ServerKey } from './chain/server-key.ts'
import type { NodeConfig } from './config.ts'
import type { HttpLimits } from './http/limits.ts'
import type { DrainConfig } from './drain.ts'
import type { IdentityConfig } from './identity/config.ts'
import type { WalletChain } from './identity/port.ts'
import type { Log } from './log.ts'
import type { NoticeSpread } from './notices/port.ts'
import type { ReplicationEvents, Replicator } from './peers/port.ts'
import type { Tracing } from './observability/tracing.ts'
import type { ProcessesConfig } from './processes/config.ts'
import type { RetentionConfig } from './retention/config.ts'
import type { RealtimeSettings } from './realtime/realtime.ts'
import type { SignatureStatistics } from './signatures/pool.ts'
import type { Store } from './store/port.ts'
import type { Certificates } from './tls/port.ts'

/** The settings that the node itself uses; what the ports are made from is the composition root's. */
export type NodeSettings = Pick<NodeConfig, 'host' | 'port' | 'admin' | 'limits' | 'maxStreams' | 'trustProxy' | 'altSvc'> &
  RealtimeSettings & {
    tls?: Certificates
    /** Milliseconds between purges. */
    purgeEveryMs?: number
    http?: Partial<HttpLimits>
    identity?: IdentityConfig
    retention?: RetentionConfig
    processes?: ProcessesConfig
    drain?: DrainConfig
  }

/** What a replicator is made from. */
export interface ReplicatorContext {
  store: Store
  registry: RegistryView
  /** This server's id and its incarnation now. */
  self: () => Pick<Coordinate, 'server' | 'incarnation'>
  /** Begins an incarnation later than this one, of which the store may lack something. */
  outgrow: (incarnation: number) => void
  notices: NoticeSpread
  events: ReplicationEvents
  log: Log
  /** Unix milliseconds. */
  now: () => number
}

export interface NodeDependencies {
  store: Store
  registry: RegistryView
  /** This server's registry id. */
  self: { id: number }
  /** The key that it signs with. */
  key: ServerKey
  wallets: WalletChain
  replicatorFactory: (context: ReplicatorContext) => Replicator
  /** Verifies what clients sign; default WebCrypto. */
  verify?: VerifySignature
  /** What the metrics tell of that. */
  signatures?: () => SignatureStatistics
  /** Off by default. */
  tracing?: Tracing | undefined
  /** Unix milliseconds. */
  now: () => number
  logger: FastifyBaseLogger
}

/** A server that listens. Store and registry remain the caller's to close, after it. */
export interface Node {
  url: string
  adminUrl: string
  /** Goes as {@link DrainConfig} says: streams are told to come back, requests finish, what has not ended in time is cut off. */
  close(): Promise<void>
}
