import type { Coordinate, Origin, SignedGenesis, VersionVector } from '@dred/protocol'
import type { OriginRange } from '@dred/protocol/relay'
import type { TokenPool } from '../limits/port.ts'
import type { Notice } from '../notices/port.ts'
import type { SharedStore } from '../processes/port.ts'

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
  /** Hybrid clock of the coordinate's server when it took it, in microseconds since 1970. */
  clock: number
}

/** What an origin's log holds at one coordinate, or at a run of them. */
export type OriginEntry =
  | Entry
  /** The origin was handed what it already had from another origin: nothing but the count moves on. */
  | { kind: 'reference'; coordinate: Coordinate; channel: string; id: string }
  /** Counts `from` to that of the coordinate, both included: known, and no longer kept. */
  | { kind: 'gone'; coordinate: Coordinate; from: number }

/** Where a message stands in this store's log of its channel. */
export interface Place {
  position: Position
  /**
   * Up to which count its origin was known here without a gap, right after the step that logged the message: at least its own count,
   * unless lower ones were still missing. What a reader of the log has after it: all of the origin up to here, and this one.
   */
  watermark: number
}

export interface LoggedMessage extends Place {
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
  /** What a reader of all that was ever logged here has, see {@link Place}: where the channel's live end is. */
  vector: VersionVector
}

export interface ChannelQuery {
  /** At least 1. */
  limit: number
  /** Part of the name, in whatever case. */
  name?: string
}

export interface ChannelStates {
  /** Fewer than the limit, also none, when more channels would have to be looked at than one call does. */
  found: ChannelState[]
  /** The id after which to go on; undefined at the end. */
  next: string | undefined
}

export interface StoreSize {
  bytes: number
  /** `Infinity` without a bound of its own. */
  maxBytes: number
}

export interface AppendResult {
  /** False when an entry of this id was there: then the coordinate and the clock are those of the first. */
  created: boolean
  coordinate: Coordinate
  clock: number
}

/** What a store keeps at most, whatever channels ask for. Without a bound what is left out. */
export interface RetentionCaps {
  /** Of each channel. */
  maxMessages?: number
  /** Of each channel: bytes of the signed texts of its messages. */
  maxBytes?: number
  /** Of all channels together. */
  totalMessages?: number
  totalBytes?: number
  /** Milliseconds since it was sent after which a message goes, together with those that are older and were logged before it. */
  maxLifetimeMs?: number
  /** Milliseconds since the latest message of a channel was sent after which all its messages go. */
  maxIdleMs?: number
}

/** What is kept now. */
export interface StoreAccount {
  messages: number
  /** Of the signed texts of the messages. */
  bytes: number
  /** Channels that are known and have not expired. */
  channels: number
}

/** Notices that outlive the process. */
export interface NoticeStore {
  /** @param replaced an earlier one about the same thing, which need not be kept */
  put(notice: Notice, replaced?: Notice): Promise<void>
  /** What ends at `now` (Unix ms) or later, of one thing the latest. */
  all(now: number): Promise<Notice[]>
  /** Deletes what ended before `now`. */
  purge(now: number): Promise<void>
}

/**
 * What a relay server keeps. Every write is one atomic step of dedupe by id, append and vector, and resolves only once it is as
 * durable as the store makes it. Any method rejects with DredError `store_unavailable` while the store is out of reach; writes with
 * `storage_full` while it has no room for more, but those that delete.
 */
export interface Store {
  /** Everything known of every origin, kept or not. */
  vector(): Promise<VersionVector>
  /** Of each origin the highest count up to which all is known and nothing kept; left out where that is 0. */
  floors(): Promise<Record<Origin, number>>
  /** Those of the ids under which nothing is kept, in their order. */
  unknown(ids: readonly string[]): Promise<string[]>

  /**
   * Takes an entry from a client: gives it the next count of `self`, unless its id is known already (to this server by any origin).
   * Messages may come for channels that are not known yet. In a store that processes share a later incarnation than `self` may have begun,
   * also because the store has lost its tail: then that one counts.
   * @param clock of this server, microseconds; a store that processes share makes it later than those that it took before
   * @throws DredError `message_expired`, `channel_expired` by the last purge, so that nothing purged comes in again
   */
  append(entry: NewEntry, self: Pick<Coordinate, 'server' | 'incarnation'>, clock: number): Promise<AppendResult>

  /**
   * Takes an entry from a peer. An origin's entries may come in any order.
   * @returns `stored`; `known` when its coordinate was (of `gone`: all its counts were), and nothing changed; `refused` when more than
   *   `limits.vectorExceptions` counts of its origin would be known beyond a gap, and nothing changed: its turn comes after what is
   *   missing. An entry whose id is known from another origin moves the vectors on and is `stored` without a second copy.
   */
  replicate(entry: OriginEntry): Promise<'stored' | 'known' | 'refused'>

  /**
   * Entries `from`..`to` of an origin in order, at most `limit`. Counts that are not known are left out; runs that are known and no
   * longer kept come as one `gone`, from the first of them that lies within the range.
   */
  readOrigin(range: OriginRange, limit: number): Promise<OriginEntry[]>

  channel(id: string): Promise<ChannelState | undefined>
  /** Channels for a list, in ascending order of id, after one: those with access `members` are left out. */
  channels(after: string | undefined, query: ChannelQuery): Promise<ChannelStates>

  /** Messages of a channel that `seen` does not cover, in log order, after a position when one is given. */
  readForward(channel: string, seen: VersionVector, options: { limit: number; after?: Position }): Promise<LoggedMessage[]>
  /** The newest messages of a channel that `within` covers, in log order, before a position when one is given. */
  readBackward(channel: string, within: VersionVector, options: { limit: number; before?: Position }): Promise<LoggedMessage[]>
  /**
   * Coordinates of a channel's messages, in any order, that came ahead of lower counts: of each origin in `counts` those above its count
   * that were logged before a position. At most `limits.vectorExceptions` an origin.
   * @param counts of messages that were logged at the position or after it
   */
  ahead(channel: string, counts: Readonly<Record<Origin, number>>, before: Position): Promise<Coordinate[]>
  /** The control messages of a channel in log order, after a position when one is given: messages that are kept as long as their channel. */
  controls(channel: string, options: { limit: number; after?: Position }): Promise<LoggedMessage[]>
  /**
   * What has been purged of a channel, as a vector: a cursor that does not cover it has lost messages. Control messages that are kept may be
   * covered by it.
   */
  purged(channel: string): Promise<VersionVector>

  readonly notices: NoticeStore
  /** Of a store that several processes can use. */
  readonly tokens?: TokenPool
  /** Likewise: what they have in common. */
  readonly shared?: SharedStore

  /**
   * Called once for each entry that this store logs (with its place, when it is a message), in log order, after it is durable and before its
   * writer hears of it; also for one whose writer never did.
   * @returns the way to stop it
   */
  onAppended(listener: (entry: Entry, place: Place | undefined) => void): () => void
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
  /**
   * Deletes the messages that came first beyond what is to be kept at most, as if they had expired: first those of each known channel, then
   * of all. Control messages count and stay. Of very many channels it looks at some, and at the next with the next call.
   * @param now Unix ms
   * @returns how many
   */
  cut(caps: RetentionCaps, now: number): Promise<number>
  account(): Promise<StoreAccount>
  /** What it takes, with what others have in the same Redis. */
  size(): Promise<StoreSize>
  ping(): Promise<void>
  /**
   * Writes all that it holds at one moment to a new file beside its own, and goes on meanwhile; of a store that is a file.
   * @returns the path of that file
   * @throws DredError `malformed_request` when there is such a file, `storage_full`
   */
  backup?(name: string): Promise<string>
  close(): Promise<void>
}
