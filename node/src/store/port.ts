import type { Coordinate, SignedGenesis, VersionVector } from '@dred/protocol'

/** A local place in one channel's log: ascending, never reused, meaningless to anybody but this store. */
export type Position = number

interface EntryFields {
  channel: string
  id: string
  /** The signed bytes as text, never re-encoded. */
  canonical: string
  /** Ed25519 signature, base64url. */
  sig: string
  /** Unix ms, from the signed fields (`sentAt` of a message, `createdAt` of a genesis). */
  sentAt: number
  /** Unix ms after which the entry is no longer kept: `sentAt` + the channel's lifetime; of a genesis: never before the channel expires. */
  expiresAt: number
}

/** A channel's beginning or one of its messages. A genesis is in no channel's log; it makes the channel known. */
export type NewEntry = EntryFields & ({ kind: 'message' } | { kind: 'genesis'; genesis: SignedGenesis })

export type Entry = NewEntry & {
  coordinate: Coordinate
  /** Unix ms at which the server of the coordinate took it. */
  acceptedAt: number
}

/** What an origin's log holds at one coordinate, or at a run of them. */
export type OriginEntry =
  | Entry
  /** The origin was handed what it already had from another origin: nothing but the count moves on. */
  | { kind: 'reference'; coordinate: Coordinate; channel: string; id: string }
  /** All up to the coordinate that has not been handed out is no longer kept anywhere here. */
  | { kind: 'gone'; coordinate: Coordinate }

export interface LoggedMessage {
  position: Position
  entry: Entry & { kind: 'message' }
}

export interface ChannelState {
  id: string
  genesis: SignedGenesis
  /** Canonical genesis bytes as text, without `sig`. */
  canonical: string
  /** Messages kept now. */
  messages: number
  /** Unix ms: the latest `sentAt` of its messages, or `createdAt`. */
  lastActivityAt: number
  /** Watermarks of the coordinates of this channel that were ever logged here: where its live end is. */
  vector: VersionVector
}

export interface AppendResult {
  /** False when an entry of this id was there: then the coordinate and the time are those of the first. */
  created: boolean
  coordinate: Coordinate
  acceptedAt: number
}

/**
 * What a relay server keeps. Every write is one atomic step of dedupe by id, append and vector, and resolves only once it is as
 * durable as the store makes it. Any method rejects with DredError `store_unavailable` while the store is out of reach.
 */
export interface Store {
  /** Everything known of every origin. Watermarks only: entries of one origin are taken in order. */
  vector(): Promise<VersionVector>

  /**
   * Takes an entry from a client: gives it the next count of `self`, unless its id is known already (to this server by any origin).
   * Messages may come for channels that are not known yet. An incarnation that saw the store go out of reach is refused.
   * @throws DredError `message_expired`, `channel_expired` by the last purge, so that nothing purged comes in again
   */
  append(entry: NewEntry, self: Pick<Coordinate, 'server' | 'incarnation'>, acceptedAt: number): Promise<AppendResult>

  /**
   * Takes an entry from a peer, in the order of its origin.
   * @returns `stored`; `known` when its coordinate was (nothing changed); `gap` when a lower count of its origin is missing (nothing
   *   changed). An entry whose id is known from another origin moves the vectors on and is `stored` without a second copy.
   */
  replicate(entry: OriginEntry): Promise<'stored' | 'known' | 'gap'>

  /** Entries `from`..`to` of an origin in order, as far as they are known, at most `limit`; runs no longer kept come as one `gone`. */
  readOrigin(range: { server: number; incarnation: number; from: number; to: number }, limit: number): Promise<OriginEntry[]>

  channel(id: string): Promise<ChannelState | undefined>
  /** Known channels in ascending order of id, after one. */
  channels(after: string | undefined, limit: number): Promise<ChannelState[]>

  /** Messages of a channel that `seen` does not cover, in log order, after a position when one is given. */
  readForward(channel: string, seen: VersionVector, options: { limit: number; after?: Position }): Promise<LoggedMessage[]>
  /** The newest messages of a channel that `within` covers (all, when undefined), at most `limit`, in log order. */
  readBackward(channel: string, within: VersionVector | undefined, limit: number): Promise<LoggedMessage[]>
  /** What has been purged of a channel, as a vector: a cursor that does not cover it has lost messages. */
  purged(channel: string): Promise<VersionVector>

  /**
   * Called once for each entry that this store logs (`position` for messages), in log order, after it is durable and before its
   * writer hears of it; also for one whose writer never did.
   * @returns the way to stop it
   */
  onAppended(listener: (entry: Entry, position: Position | undefined) => void): () => void
  /**
   * Called when the store is back after it was out of reach, before it takes anything: what it held may have lost its tail.
   * @returns the way to stop it
   */
  onReconnected(listener: () => void): () => void

  /**
   * Deletes what expired before `now` (Unix ms): messages by `expiresAt`, channels without activity for their idle time. Such a
   * channel is unknown at once; its messages stay for a while, since one that is still on its way may prove that it lived on.
   * @returns how many entries
   */
  purge(now: number): Promise<number>
  ping(): Promise<void>
  close(): Promise<void>
}
