import type { Coordinate } from '../schemas.ts'
import type { VersionVectorData } from '../version-vector.ts'
import type { LatencyRow, Receipt, SignedHead } from './relay-statements.ts'

/** An entry of an origin's log as servers send it to each other. What it leaves out follows from the signed text. */
export type WireEntry =
  | {
      kind: 'message' | 'genesis'
      coordinate: Coordinate
      /** The signed bytes as text. */
      canonical: string
      /** Ed25519 signature, base64url. */
      sig: string
      /** Unix ms after which it is no longer kept. */
      expiresAt: number
      /** Hybrid clock of its origin when it took it, in microseconds since 1970; see `HybridClock`. */
      clock: number
    }
  /** The origin was handed what it had from another origin already. */
  | { kind: 'reference'; coordinate: Coordinate; channel: string; id: string }
  /** Counts `from` to that of the coordinate, both included: what was there is no longer kept by the sender. */
  | { kind: 'gone'; coordinate: Coordinate; from: number }

/** Counts `from`..`to` of an origin, both included. */
export interface OriginRange {
  server: number
  incarnation: number
  from: number
  to: number
}

/** Why a server does not want a message now: its origin has too much waiting here, or its clock is too far ahead. */
export type NoReason = 'quota' | 'ahead'

/** What the relay core of two servers say to each other over an authenticated link. `docs/protocol/relay.md` tells when. */
export type CoreFrame =
  /** First on a link, and whenever it changed. `credit`: bytes of entries in MSG frames that may be on their way unconfirmed. */
  | { type: 'STATE'; incarnation: number; epoch: number; joining: boolean; credit: number }
  /**
   * An entry, and the servers that the receiver has to pass it on to, ascending. On the wire a bitmap in the order of the list
   * that `epoch` names, where both have the same list; ids otherwise. Whoever does not know the list reads an empty cover.
   */
  | { type: 'MSG'; entry: WireEntry; cover: readonly number[]; epoch?: number }
  /** Some origins of which the sender has this durably: acknowledgement, confirmation to an origin, and digest in one. */
  | { type: 'HAVE'; vector: VersionVectorData; credit?: number }
  /** Which of these do you have? Answered by HAVE and WANT; what is on its way to the store is in neither. */
  | { type: 'PROBE'; ranges: readonly OriginRange[] }
  /** Send me these; the answer to PROBE. */
  | { type: 'WANT'; ranges: readonly OriginRange[] }
  | { type: 'NO'; coordinate: Coordinate; reason: NoReason }
  /** What is missing. Answered by one BATCH with the ticket. */
  | ({ type: 'PULL'; ticket: number } & OriginRange)
  /** As much of the range as fits, in order; nothing when the sender has nothing of it. */
  | { type: 'BATCH'; ticket: number; entries: readonly WireEntry[] }
  /**
   * A part of all that the sender has durably; with the last part it replaces what it said before. Of each origin: up to where
   * nothing is kept, then the counts. `answer`: the receiver is asked for its own.
   */
  | { type: 'VV'; last: boolean; answer: boolean; vector: VersionVectorData; floors: Readonly<Record<string, number>> }
  | ({ type: 'HEAD' } & SignedHead)
  | { type: 'LATENCY'; row: LatencyRow; signature: Uint8Array }
  | { type: 'RECEIPT'; receipt: Receipt; signature: Uint8Array }
  /** On a ring: a message of the receiver has reached the last server. */
  | { type: 'HOME'; coordinate: Coordinate }
  | { type: 'PING'; at: number }
  /** The answer to a PING, with its time. */
  | { type: 'PONG'; at: number }

/** What is said around the core: who is there, and why a link ends. */
export type LinkFrame =
  /** Who dials, whom it wants to reach, and a fresh nonce of 32 bytes. */
  | {
      type: 'HELLO'
      version: number
      chainId: number
      serverRegistry: string
      neighborhood: string
      from: number
      to: number
      nonce: Uint8Array
    }
  /** Who was dialled, its own fresh nonce and its signature of the handshake (see `handshakeBytes`). */
  | { type: 'WELCOME'; from: number; nonce: Uint8Array; signature: Uint8Array }
  /** The dialler's signature of the handshake. */
  | { type: 'AUTH'; signature: Uint8Array }
  /** First from the acceptor on an authenticated link: what opens its second stream, 16 random bytes. */
  | { type: 'TOKEN'; token: Uint8Array }
  /** First and only handshake on the second stream, by the dialler and in the same HTTP/2 session. */
  | { type: 'BULK'; token: Uint8Array }
  /** Last: why the sender closes the link; a code of the table of link errors. */
  | { type: 'BYE'; code: string; detail: string }

/** What holds for a while, beside the log: each text is a signed statement of its kind. `docs/protocol/relay.md` tells how it spreads. */
export interface NoticeFrame {
  type: 'NOTICE'
  notices: readonly { kind: string; text: string }[]
}

export type RelayFrame = CoreFrame | LinkFrame | NoticeFrame
