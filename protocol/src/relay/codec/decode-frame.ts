import type { NoReason, RelayFrame } from '../frame.ts'
import { LinkError } from '../link-errors.ts'
import { readBitmap, readIds } from './cover-codec.ts'
import { readCoordinate, readEntry } from './entry-codec.ts'
import { frameTypes, type ListOf, noReasons } from './frame-types.ts'
import { RELAY_VERSION, relayLimits } from './limits.ts'
import { readRange, readRanges, readVector, readVectorWithFloors } from './range-codec.ts'
import { malformed, Reader } from './reader.ts'
import { readHead, readLatencyRow, readReceipt, readSignature } from './statement-codec.ts'

type FrameType = RelayFrame['type']

const ADDRESS = /^0x[0-9a-f]{40}$/
const NEIGHBORHOOD = /^[1-9][0-9]{0,9}$/
/** Of a BYE, and the kind of a notice. */
const CODE = /^[a-z_]{1,40}$/

/** How many items a frame may have, its type among them. */
const lengths: Record<FrameType, readonly number[]> = {
  HELLO: [8],
  WELCOME: [4],
  AUTH: [2],
  TOKEN: [2],
  BULK: [2],
  BYE: [3],
  STATE: [5],
  MSG: [3, 4],
  HAVE: [2, 3],
  PROBE: [2],
  WANT: [2],
  NO: [5],
  PULL: [6],
  BATCH: [3],
  VV: [4],
  HEAD: [6],
  LATENCY: [6],
  RECEIPT: [6],
  HOME: [4],
  PING: [2],
  PONG: [2],
  NOTICE: [2],
}

/**
 * Reads a frame without its length.
 * @param listOf gives the servers that an epoch names; a MSG whose epoch it does not know has an empty cover, and its epoch
 * @throws LinkError `malformed_frame`; `unsupported_version` for a HELLO of another version, of which nothing else is read
 */
export function decodeFrame(bytes: Uint8Array, listOf?: ListOf): RelayFrame {
  const reader = new Reader(bytes)
  const length = reader.array(1, Number.MAX_SAFE_INTEGER)
  const type = frameTypes[reader.integer()]
  if (type === undefined) throw malformed('unknown type')
  const version = type === 'HELLO' ? readVersion(reader) : RELAY_VERSION
  if (!lengths[type].includes(length)) throw malformed('another number of fields')
  const frame = type === 'HELLO' ? readHello(reader, version) : readFrame(reader, { type, length, listOf })
  reader.end()
  return frame
}

/** What follows the version of another one may have another shape. */
function readVersion(reader: Reader): number {
  const version = reader.integer(1)
  if (version !== RELAY_VERSION) throw new LinkError('unsupported_version', `This server speaks version ${RELAY_VERSION}, not ${version}`)
  return version
}

function readHello(reader: Reader, version: number): RelayFrame {
  return {
    type: 'HELLO',
    version,
    chainId: reader.integer(1),
    serverRegistry: reader.matching(ADDRESS, 42),
    neighborhood: reader.matching(NEIGHBORHOOD, 10),
    from: reader.server(),
    to: reader.server(),
    nonce: reader.bytes(relayLimits.nonceBytes),
  }
}

interface Beginning {
  type: Exclude<FrameType, 'HELLO'>
  length: number
  listOf: ListOf | undefined
}

function readFrame(reader: Reader, { type, length, listOf }: Beginning): RelayFrame {
  switch (type) {
    case 'WELCOME':
      return { type, from: reader.server(), nonce: reader.bytes(relayLimits.nonceBytes), signature: readSignature(reader) }
    case 'AUTH':
      return { type, signature: readSignature(reader) }
    case 'TOKEN':
    case 'BULK':
      return { type, token: reader.bytes(relayLimits.tokenBytes) }
    case 'BYE':
      return { type, code: reader.matching(CODE, 40), detail: readDetail(reader) }
    case 'STATE':
      return { type, incarnation: reader.integer(1), epoch: reader.epoch(), joining: reader.boolean(), credit: reader.integer() }
    case 'MSG': {
      const entry = readEntry(reader)
      return length === lengths.MSG[0] ? { type, entry, cover: readIds(reader) } : { type, entry, ...readBitmap(reader, listOf) }
    }
    case 'HAVE': {
      const vector = readVector(reader)
      return length === lengths.HAVE[0] ? { type, vector } : { type, vector, credit: reader.integer() }
    }
    case 'PROBE':
    case 'WANT':
      return { type, ranges: readRanges(reader) }
    case 'NO':
      return { type, coordinate: readCoordinate(reader), reason: readReason(reader) }
    case 'PULL':
      return { type, ticket: reader.integer(), ...readRange(reader) }
    case 'BATCH':
      return { type, ticket: reader.integer(), entries: reader.list(relayLimits.batchEntries, readEntry) }
    case 'VV':
      return { type, last: reader.boolean(), answer: reader.boolean(), ...readVectorWithFloors(reader) }
    case 'HEAD':
      return { type, ...readHead(reader) }
    case 'LATENCY':
      return { type, row: readLatencyRow(reader), signature: readSignature(reader) }
    case 'RECEIPT':
      return { type, receipt: readReceipt(reader), signature: readSignature(reader) }
    case 'HOME':
      return { type, coordinate: readCoordinate(reader) }
    case 'PING':
    case 'PONG':
      return { type, at: reader.integer() }
    case 'NOTICE':
      return { type, notices: reader.list(relayLimits.notices, readNotice) }
  }
}

function readNotice(reader: Reader): { kind: string; text: string } {
  reader.array(2)
  return { kind: reader.matching(CODE, 40), text: reader.text(relayLimits.noticeBytes) }
}

function readDetail(reader: Reader): string {
  const detail = reader.text(3 * relayLimits.detailLength)
  if (detail.length > relayLimits.detailLength) throw malformed('a detail that is too long')
  return detail
}

function readReason(reader: Reader): NoReason {
  const reason = noReasons[reader.integer()]
  if (reason === undefined) throw malformed('unknown reason')
  return reason
}
