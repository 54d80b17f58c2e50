import { decode, encode } from 'cborg'
import { limits } from '../limits.ts'
import type { Coordinate } from '../schemas.ts'
import { VersionVector, type VersionVectorData } from '../version-vector.ts'
import { Fields, malformed } from './fields.ts'
import { LinkError } from './link-errors.ts'

/** Version of the relay protocol, said in HELLO. */
export const RELAY_VERSION = 1

/** Bounds of what peers send each other. */
export const relayLimits = {
  /** Bytes of a frame, without its length, before a link is authenticated and after. */
  helloFrameBytes: 1_024,
  frameBytes: 1_048_576,
  /** Entries and bytes (of their signed texts) of one BATCH. */
  batchEntries: 512,
  batchBytes: 524_288,
  /** Servers of one cover set. */
  coverServers: limits.servers,
  /** Frames that one version vector may be spread over. */
  vectorFrames: 64,
  nonceBytes: 32,
  signatureBytes: 64,
} as const

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
      /** Unix ms at which its origin took it. */
      acceptedAt: number
    }
  | { kind: 'reference'; coordinate: Coordinate; channel: string; id: string }
  | { kind: 'gone'; coordinate: Coordinate }

/** What servers say to each other. `docs/protocol/relay.md` tells when. */
export type Frame =
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
  /** A part of all that the sender has stored durably; with the last part it replaces what it said before. */
  | { type: 'VV'; last: boolean; vector: VersionVectorData }
  /** A new entry, and the servers that the receiver has to pass it on to. */
  | { type: 'PUSH'; entry: WireEntry; cover: number[] }
  | { type: 'PULL'; ticket: number; server: number; incarnation: number; from: number; to: number }
  /** The answer to the PULL with this ticket: as much of its range as fits, in order; nothing when the sender has nothing of it. */
  | { type: 'BATCH'; ticket: number; entries: WireEntry[] }
  | { type: 'PING'; at: number }
  /** The answer to a PING, with its time. */
  | { type: 'PONG'; at: number }
  /** Last: why the sender closes the link; a code of the table of link errors. */
  | { type: 'BYE'; code: string; detail: string }

const ADDRESS = /^0x[0-9a-f]{40}$/
const NEIGHBORHOOD = /^[1-9][0-9]{0,9}$/
const ID = /^[A-Za-z0-9_-]{43}$/
const SIGNATURE = /^[A-Za-z0-9_-]{86}$/
const CODE = /^[a-z_]{1,40}$/
const DETAIL_LENGTH = 256

/** The length of a frame, four bytes big-endian, and the frame: a CBOR array that begins with its type. */
export function encodeFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const body = encode(fieldsOf(frame))
  const bytes = new Uint8Array(4 + body.length)
  new DataView(bytes.buffer).setUint32(0, body.length)
  bytes.set(body, 4)
  return bytes
}

function fieldsOf(frame: Frame): unknown[] {
  switch (frame.type) {
    case 'HELLO': {
      const { version, chainId, serverRegistry, neighborhood, from, to, nonce } = frame
      return [frame.type, version, chainId, serverRegistry, neighborhood, from, to, nonce]
    }
    case 'WELCOME':
      return [frame.type, frame.from, frame.nonce, frame.signature]
    case 'AUTH':
      return [frame.type, frame.signature]
    case 'VV':
      return [frame.type, frame.last, vectorFields(frame.vector)]
    case 'PUSH':
      return [frame.type, entryFields(frame.entry), frame.cover]
    case 'PULL':
      return [frame.type, frame.ticket, frame.server, frame.incarnation, frame.from, frame.to]
    case 'BATCH':
      return [frame.type, frame.ticket, frame.entries.map(entryFields)]
    case 'PING':
    case 'PONG':
      return [frame.type, frame.at]
    case 'BYE':
      return [frame.type, frame.code, frame.detail.slice(0, DETAIL_LENGTH)]
  }
}

function entryFields(entry: WireEntry): unknown[] {
  const coordinate = [entry.coordinate.server, entry.coordinate.incarnation, entry.coordinate.n]
  switch (entry.kind) {
    case 'message':
    case 'genesis':
      return [entry.kind, coordinate, entry.canonical, entry.sig, entry.expiresAt, entry.acceptedAt]
    case 'reference':
      return [entry.kind, coordinate, entry.channel, entry.id]
    case 'gone':
      return [entry.kind, coordinate]
  }
}

function vectorFields(vector: VersionVectorData): number[][] {
  return Object.entries(vector).map(([origin, counts]) => [...origin.split('-').map(Number), ...counts])
}

/**
 * Reads a frame without its length.
 * @throws LinkError `malformed_frame`
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  let value: unknown
  try {
    value = decode(bytes, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      allowBigInt: false,
      rejectDuplicateMapKeys: true,
    })
  } catch (cause) {
    throw malformed('not CBOR', cause)
  }
  const fields = new Fields(value)
  const frame = readFrame(fields)
  fields.end()
  return frame
}

function readFrame(fields: Fields): Frame {
  const type = fields.text(16)
  switch (type) {
    case 'HELLO':
      return readHello(fields)
    case 'WELCOME':
      return {
        type,
        from: fields.server(),
        nonce: fields.bytes(relayLimits.nonceBytes),
        signature: fields.bytes(relayLimits.signatureBytes),
      }
    case 'AUTH':
      return { type, signature: fields.bytes(relayLimits.signatureBytes) }
    case 'VV':
      return { type, last: fields.boolean(), vector: readVector(fields) }
    case 'PUSH':
      return { type, entry: readEntry(fields.next()), cover: fields.list(relayLimits.coverServers, (id) => new Fields([id]).server()) }
    case 'PULL':
      return readPull(fields)
    case 'BATCH':
      return { type, ticket: fields.integer(), entries: fields.list(relayLimits.batchEntries, readEntry) }
    case 'PING':
    case 'PONG':
      return { type, at: fields.integer() }
    case 'BYE':
      return { type, code: fields.matching(CODE), detail: fields.text(DETAIL_LENGTH) }
    default:
      throw malformed('unknown type')
  }
}

/** Only the version is read of a HELLO of another version: what follows it may have another shape. */
function readHello(fields: Fields): Frame {
  const version = fields.integer(1)
  if (version !== RELAY_VERSION) throw new LinkError('unsupported_version', `This server speaks version ${RELAY_VERSION}, not ${version}`)
  return {
    type: 'HELLO',
    version,
    chainId: fields.integer(1),
    serverRegistry: fields.matching(ADDRESS),
    neighborhood: fields.matching(NEIGHBORHOOD),
    from: fields.server(),
    to: fields.server(),
    nonce: fields.bytes(relayLimits.nonceBytes),
  }
}

function readPull(fields: Fields): Frame {
  const ticket = fields.integer()
  const server = fields.server()
  const incarnation = fields.integer(1)
  const from = fields.integer(1)
  return { type: 'PULL', ticket, server, incarnation, from, to: fields.integer(from) }
}

function readVector(fields: Fields): VersionVectorData {
  const vector: VersionVectorData = {}
  fields.list(limits.vectorOrigins, (item) => {
    const counts = new Fields(item)
    const origin = `${counts.server()}-${counts.integer(1)}` as const
    const upTo = counts.integer()
    const beyond: number[] = []
    while (counts.left > 0) beyond.push(counts.integer(upTo + 2))
    if (Object.hasOwn(vector, origin)) throw malformed('an origin comes twice')
    vector[origin] = [upTo, ...beyond]
  })
  try {
    return VersionVector.from(vector).toData()
  } catch (cause) {
    throw malformed('not a version vector', cause)
  }
}

function readEntry(value: unknown): WireEntry {
  const fields = new Fields(value)
  const entry = readEntryFields(fields)
  fields.end()
  return entry
}

function readEntryFields(fields: Fields): WireEntry {
  const kind = fields.text(16)
  const place = new Fields(fields.next())
  const coordinate = { server: place.server(), incarnation: place.integer(1), n: place.integer(1) }
  place.end()
  switch (kind) {
    case 'message':
    case 'genesis':
      return {
        kind,
        coordinate,
        canonical: fields.text(limits.messageBytes),
        sig: fields.matching(SIGNATURE),
        expiresAt: fields.integer(),
        acceptedAt: fields.integer(),
      }
    case 'reference':
      return { kind, coordinate, channel: fields.matching(ID), id: fields.matching(ID) }
    case 'gone':
      return { kind, coordinate }
    default:
      throw malformed('unknown kind of entry')
  }
}
