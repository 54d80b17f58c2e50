import type { Duplex } from 'node:stream'
import type { Entry } from '../store/port.ts'

/** Links to the neighborhood's other servers: everything a store lacks comes in, everything new goes out. */
export interface Replicator {
  /** Starts dialling the peers that it is this server's turn to dial, and keeps doing so. */
  start(): void
  /**
   * Takes a connection that a peer dialled and answers it: `POST /peer`, whose request and response bodies are the two directions of
   * `stream`.
   */
  accept(stream: Duplex): void
  /** Registry ids of the peers with a live, authenticated link. */
  connected(): number[]
  stop(): Promise<void>
}

/** Counters behind the metrics. */
export interface ReplicationEvents {
  sent(entry: Pick<Entry, 'kind'>): void
  received(result: 'stored' | 'known' | 'gap' | 'rejected'): void
}
