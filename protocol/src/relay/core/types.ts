import type { Coordinate } from '../../schemas.ts'
import type { Origin, VersionVector, VersionVectorData } from '../../version-vector.ts'
import type { CoreFrame, NoReason, WireEntry } from '../frame.ts'
import type { LinkErrorCode } from '../link-errors.ts'
import type { RelayStatement, SignedHead, SignedReceipt } from '../relay-statements.ts'
import type { Topology } from '../topologies/topology.ts'

/** The time of an event. The core has no clock of its own. */
export interface Instant {
  /** Milliseconds that never go back; only differences mean anything. */
  monotonicMs: number
  /** Unix milliseconds, as the server's wall clock has them. */
  unixMs: number
}

/** A server of the neighborhood, as the finalised registry has it. */
export interface Member {
  id: number
  /** It left: nothing new is sent to it, but what it has is still pulled. */
  leaving: boolean
}

export interface RelayOptions {
  /** Registry id of this server. */
  self: number
  /** Its present incarnation. */
  incarnation: number
  topology?: Topology
  timings?: Partial<RelayTimings>
  bounds?: Partial<RelayBounds>
}

/** Milliseconds. */
export interface RelayTimings {
  /** Before what was stored is acknowledged to who sent it: acknowledgements of that time go together. */
  ackMs: number
  /** The same for an origin that did not send it itself. */
  haveMs: number
  /** Between digests to two backups. */
  digestMs: number
  /** Before a message that another server has is pulled: it may be on its way. */
  graceMs: number
  /** On top of 1.35 round trips, before a message without acknowledgement is asked for. */
  retransmitMs: number
  /** After the confirmation of a member was due, before its origin asks. */
  overdueMs: number
  /** Between complete version vectors, each to one peer in turn. */
  vectorMs: number
  /** For the answer to a PULL, on top of four round trips. */
  pullMs: number
  /** Before a peer is asked again for what it turned out not to give. */
  retryMs: number
  /** A server that was seen not to pass on is given nothing to pass on for this long; doubled each time. */
  leafMs: number
  /** Between PINGs on a link. */
  pingMs: number
  /** A peer that was asked and says nothing for this long is gone. */
  silentMs: number
  /** A message of a peer waits this long at most for those that it follows, one of a client that long. */
  causalMs: number
  admitMs: number
  /** A server that just came gets nothing to pass on until it has caught up, or for this long. */
  joinMs: number
  /** Between signed heads, unless {@link RelayBounds.headMessages} were counted before. */
  headMs: number
  /** Between signed latency rows that did not change. */
  latencyRowMs: number
  /** Between receipts to one sender. */
  receiptMs: number
}

export interface RelayBounds {
  /** Bytes of messages that a peer may send before they are confirmed to it. */
  windowBytes: number
  /** A link with more than this queued gets no bodies pushed; the peer hears what there is and pulls. */
  queueBytes: number
  queueMs: number
  /** Bytes of one origin, and of all, that wait here to be verified, stored, or for what they follow. */
  originBytes: number
  /** The same of what one peer sent. */
  senderBytes: number
  pendingBytes: number
  /** Bytes of recent entries kept to be sent again without a read. */
  cacheBytes: number
  /** Messages of this server between two signed heads. */
  headMessages: number
  /** Milliseconds that another server's hybrid clock may be ahead. */
  aheadMs: number
  /** PULLs in flight to one peer. */
  pulls: number
}

/** An entry with a body, as it came from a peer, to be verified. */
export type BodyEntry = Extract<WireEntry, { kind: 'message' | 'genesis' }>

/** What happens to a server's relay. Events have to be handed over in the order in which they happened. */
export type RelayEvent =
  /** Time has passed: at the latest at the time of the last `wake` effect. */
  | { type: 'tick' }
  /** What the store has durably: before anything else, and again whenever it was out of reach and came back. */
  | { type: 'recovered'; vector: VersionVector; floors: Floors; incarnation: number }
  /** The store is out of reach: nothing is taken until `recovered`. */
  | { type: 'store-lost' }
  /** Entries were purged. */
  | { type: 'purged'; floors: Floors }
  /** The registry's servers, this one among them if it is one; `epoch` names the list, see `epochOf`. */
  | { type: 'members'; members: readonly Member[]; epoch: number }
  /** An authenticated link is there, or a newer one took the place of the old one (`link-down` comes before). */
  | { type: 'link-up'; peer: number }
  | { type: 'link-down'; peer: number }
  /** What waits to be written to a link, and for how long the oldest of it has. Said when it changed by much. */
  | { type: 'link-queue'; peer: number; bytes: number; ageMs: number }
  | { type: 'frame'; peer: number; frame: CoreFrame }
  /** A client's message was judged and may be appended when what it follows is here; `missing` are ids that are not. Answered by `admit`. */
  | { type: 'submitted'; ticket: number; missing: readonly string[] }
  /** An entry of a client is durable under this server's present incarnation. */
  | { type: 'appended'; entry: BodyEntry; id: string }
  /** The answers to `verify`: `missing` are the ids in `prev` that the store does not have; `expiresAt` follows from the channel, Unix ms. */
  | { type: 'verified'; coordinate: Coordinate; id: string; missing: readonly string[]; expiresAt: number }
  | { type: 'rejected'; coordinate: Coordinate; detail: string }
  /** Verification did not come to an end: the store could not be asked. */
  | { type: 'unverified'; coordinate: Coordinate }
  /** The answer to `store`. `refused`: its origin has too many gaps. `failed`: the store is out of reach. */
  | { type: 'stored'; coordinate: Coordinate; result: 'stored' | 'known' | 'refused' | 'failed' }
  /** The answer to `read`, in order; nothing when the store could not be read. */
  | { type: 'read'; ticket: number; entries: readonly WireEntry[] }
  /** The answers to `sign` and `check`. */
  | { type: 'signed'; statement: RelayStatement; signature: Uint8Array }
  | { type: 'checked'; peer: number; statement: RelayStatement; signature: Uint8Array; valid: boolean }

/** Of each origin the highest count below which, itself included, nothing is kept any more. */
export type Floors = Readonly<Record<Origin, number>>

/** What has to be done. In the order given; none of it is waited for. */
export type RelayEffect =
  /** `bulk`: on the link's second stream, so that live messages do not wait behind it. */
  | { type: 'send'; peer: number; frame: CoreFrame; lane: 'live' | 'bulk' }
  /** Check signature, size, dates. Answered by `verified`, `rejected` or `unverified`. */
  | { type: 'verify'; entry: BodyEntry; peer: number }
  /** Dedupe, append and note in the vector, durably, as one step; in the order of these effects. Answered by `stored`. */
  | { type: 'store'; entry: WireEntry }
  /** Read what is kept of an origin. Answered by `read`. */
  | { type: 'read'; ticket: number; server: number; incarnation: number; from: number; to: number; limit: number }
  /** Answered by `signed`, or never. */
  | { type: 'sign'; statement: RelayStatement }
  /** Check a statement of the server that it names, against its registered keys. Answered by `checked`. */
  | { type: 'check'; peer: number; statement: RelayStatement; signature: Uint8Array }
  /** What a submitted message follows is here, or was waited for long enough. */
  | { type: 'admit'; ticket: number }
  /**
   * How far this server's own entries of an incarnation are stored: all up to `upTo[k - 1]` on `k` servers at least, this one
   * among them, of `servers`.
   */
  | { type: 'confirmed'; incarnation: number; upTo: readonly number[]; servers: number }
  /** On a ring: a message of this server came home, so every server on its way has had it. */
  | { type: 'returned'; coordinate: Coordinate }
  /** A server signed two histories: evidence for the registry. */
  | { type: 'fork'; first: SignedHead; second: SignedHead }
  /** A peer's receipt was checked: evidence that this server's forwarding reached it. */
  | { type: 'receipt'; receipt: SignedReceipt }
  /** Peers have counts of this server that it cannot have given in its present incarnation: a later one has to begin. */
  | { type: 'outgrow'; incarnation: number }
  | { type: 'close'; peer: number; code: LinkErrorCode; detail: string }
  /** This server has caught up and is given messages to pass on. */
  | { type: 'ready' }
  /** Hand over a `tick` at this time (`monotonicMs`), replacing what was asked for before. */
  | { type: 'wake'; atMs: number }

/** What happened, counted since the start. */
export interface RelayCounters {
  /** Bodies that came, and of these the ones that were here or on their way already. */
  bodies: number
  duplicates: number
  /** Bodies sent on, by the tree and again. */
  pushed: number
  resent: number
  probes: number
  pulls: number
  /** Messages refused, by reason. */
  refused: Record<NoReason, number>
  /** Own messages that came home on a ring. */
  returned: number
  /** Messages that were delivered without one that they follow: it did not come in time. */
  causalTimeouts: number
  /** Servers that were seen not to pass on. */
  blamed: number
  /** Links that had too much queued. */
  demotions: number
  /** Servers' signed heads that contradict each other, and those that contradict what came as theirs. */
  forks: number
  mismatches: number
  /** Statements with a signature that is none of their server's keys. */
  invalid: number
}

export type { Coordinate, CoreFrame, NoReason, RelayStatement, SignedHead, VersionVectorData, WireEntry }
