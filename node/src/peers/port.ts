import type { Duplex } from 'node:stream'
import type { RelayCounters, SignedReceipt } from '@dred/protocol/relay'
import type { Entry } from '../store/port.ts'

/** Links to the neighborhood's other servers: everything a store lacks comes in, everything new goes out. */
export interface Replicator {
  /**
   * Starts dialling the peers that it is this server's turn to dial, and keeps doing so.
   * @returns once it knows what the store has, and takes connections
   */
  start(): Promise<void>
  /**
   * Takes a connection that a peer dialled and answers it: `POST /peer`, whose request and response bodies are the two directions of
   * `stream`.
   */
  accept(stream: Duplex): void
  /** Registry ids of the peers with a live, authenticated link, ascending. */
  connected(): number[]
  /** The next time of this server's hybrid clock, in microseconds since 1970: for what a client is about to be told was accepted. */
  clock(): number
  /**
   * Waits until what a client's message follows is here, or for as long as a message waits for that at most.
   * @param missing ids that the message names and the store lacks
   * @returns never rejects
   */
  admit(missing: readonly string[]): Promise<void>
  /** How far this server's messages of an incarnation are stored on others, as far as they have said so. */
  confirmed(incarnation: number): Confirmation
  /**
   * Called whenever {@link confirmed} has something else to say.
   * @returns the way to stop it
   */
  onConfirmed(listener: () => void): () => void
  /** To be called after the store has purged entries. */
  purged(): void
  statistics(): RelayStatistics
  /** Says goodbye to the peers. Resolves once every connection is closed. */
  stop(): Promise<void>
}

export interface Confirmation {
  /**
   * All up to `upTo[k - 1]` are stored durably on `k` servers at least, this one among them; descending. Empty for an incarnation that is
   * not followed any more.
   */
  upTo: readonly number[]
  /** Servers that are to have them: those of the neighborhood, this one among them. */
  servers: number
}

/** What the metrics tell of replication. */
export interface RelayStatistics {
  counters: Readonly<RelayCounters>
  links: readonly LinkStatistics[]
  /** The last valid receipt of each peer. */
  receipts: ReadonlyMap<number, SignedReceipt>
  /** Bytes of entries that came and are neither stored nor refused yet. */
  pendingBytes: number
  /** Bytes sent since the start: of entries, and of all else that links carry. */
  bodyBytes: number
  controlBytes: number
  /** Whether this server still catches up with its peers. */
  joining: boolean
}

export interface LinkStatistics {
  peer: number
  /** Bytes handed over that the peer has not taken yet. */
  queuedBytes: number
  /** Smallest round trip measured lately; undefined before the first. */
  roundTripMs: number | undefined
}

/** Counters behind the metrics. */
export interface ReplicationEvents {
  sent(entry: Pick<Entry, 'kind'>): void
  received(result: 'stored' | 'known' | 'refused' | 'rejected'): void
}
