import type { RelayFrame } from '../frame.ts'
import { coverItems } from './cover-codec.ts'
import { coordinateItems, entryItem } from './entry-codec.ts'
import { frameTypes, type ListOf, noReasons } from './frame-types.ts'
import { relayLimits } from './limits.ts'
import { rangeItems, vectorItems } from './range-codec.ts'
import { latencyRowItems, receiptItems } from './statement-codec.ts'
import { encodeItem, type Item } from './writer.ts'

const LENGTH_BYTES = 4

/**
 * The length of a frame, four bytes big-endian, and the frame: a CBOR array that begins with its type.
 * @param listOf gives the servers that an epoch names; where it does not know the one of a MSG, the cover goes as ids
 * @throws RangeError for a number that is no unsigned integer
 */
export function encodeFrame(frame: RelayFrame, listOf?: ListOf): Uint8Array<ArrayBuffer> {
  const bytes = encodeItem([frameTypes.indexOf(frame.type), ...itemsOf(frame, listOf)], LENGTH_BYTES)
  new DataView(bytes.buffer).setUint32(0, bytes.length - LENGTH_BYTES)
  return bytes
}

/**
 * How many bytes of a frame say something about entries and are not entries themselves.
 * @param encodedLength of what {@link encodeFrame} gave for it
 */
export function controlBytes(frame: RelayFrame, encodedLength: number): number {
  return encodedLength - entryBytes(frame)
}

function entryBytes(frame: RelayFrame): number {
  if (frame.type === 'MSG') return entryItem(frame.entry).bytes.length
  if (frame.type === 'BATCH') return frame.entries.reduce((bytes, entry) => bytes + entryItem(entry).bytes.length, 0)
  return 0
}

function itemsOf(frame: RelayFrame, listOf: ListOf | undefined): Item[] {
  switch (frame.type) {
    case 'HELLO': {
      const { version, chainId, serverRegistry, neighborhood, from, to, nonce } = frame
      return [version, chainId, serverRegistry, neighborhood, from, to, nonce]
    }
    case 'WELCOME':
      return [frame.from, frame.nonce, frame.signature]
    case 'AUTH':
      return [frame.signature]
    case 'TOKEN':
    case 'BULK':
      return [frame.token]
    case 'BYE':
      return [frame.code, frame.detail.slice(0, relayLimits.detailLength)]
    case 'STATE':
      return [frame.incarnation, frame.epoch, frame.joining, frame.credit]
    case 'MSG':
      return [entryItem(frame.entry), ...coverItems(frame, listOf)]
    case 'HAVE':
      return frame.credit === undefined ? [vectorItems(frame.vector)] : [vectorItems(frame.vector), frame.credit]
    case 'PROBE':
    case 'WANT':
      return [frame.ranges.map(rangeItems)]
    case 'NO':
      return [...coordinateItems(frame.coordinate), noReasons.indexOf(frame.reason)]
    case 'PULL':
      return [frame.ticket, ...rangeItems(frame)]
    case 'BATCH':
      return [frame.ticket, frame.entries.map(entryItem)]
    case 'VV':
      return [frame.last, frame.answer, vectorItems(frame.vector, frame.floors)]
    case 'HEAD':
      return [...coordinateItems(frame), frame.head, frame.signature]
    case 'LATENCY':
      return [...latencyRowItems(frame.row), frame.signature]
    case 'RECEIPT':
      return [...receiptItems(frame.receipt), frame.signature]
    case 'HOME':
      return coordinateItems(frame.coordinate)
    case 'PING':
    case 'PONG':
      return [frame.at]
    case 'NOTICE':
      return [frame.notices.map(({ kind, text }) => [kind, text])]
  }
}
