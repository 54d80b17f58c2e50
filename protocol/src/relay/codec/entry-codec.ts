import { limits } from '../../limits.ts'
import type { Coordinate } from '../../schemas.ts'
import type { WireEntry } from '../frame.ts'
import { entryKinds } from './frame-types.ts'
import { relayLimits } from './limits.ts'
import { malformed, type Reader } from './reader.ts'
import { Encoded, encodeItem, type Item } from './writer.ts'

/** Of 32 bytes: the last character has only bits of theirs. */
const ID = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/
const SIGNATURE = /^[A-Za-z0-9_-]{86}$/

/** Encoded lately, in two generations: of a WeakMap with thousands of entries V8 copies the whole table over and over. */
let recent = new Map<WireEntry, Encoded>()
let older = recent
let recentBytes = 0
/** Of each generation: more than one BATCH has. */
const RECENT_BYTES = 4 * relayLimits.batchBytes

/** An entry as an item of a frame; encoded once, however many peers it is sent to at a time. */
export function entryItem(entry: WireEntry): Encoded {
  const known = recent.get(entry) ?? older.get(entry)
  if (known) return known
  const encoded = new Encoded(encodeItem([entryKinds.indexOf(entry.kind), ...coordinateItems(entry.coordinate), ...contentItems(entry)]))
  if (recentBytes > RECENT_BYTES) {
    older = recent
    recent = new Map()
    recentBytes = 0
  }
  recent.set(entry, encoded)
  recentBytes += encoded.bytes.length
  return encoded
}

function contentItems(entry: WireEntry): Item[] {
  switch (entry.kind) {
    case 'message':
    case 'genesis':
      return [entry.canonical, entry.sig, entry.expiresAt, entry.clock]
    case 'reference':
      return [entry.channel, entry.id]
    case 'gone':
      return [entry.from]
  }
}

export function readEntry(reader: Reader): WireEntry {
  const items = reader.array(5, 8)
  const kind = entryKinds[reader.integer()]
  if (kind === undefined) throw malformed('an entry of unknown kind')
  const coordinate = readCoordinate(reader)
  switch (kind) {
    case 'message':
    case 'genesis': {
      expectItems(items, 8)
      const canonical = reader.text(limits.messageBytes)
      const sig = reader.matching(SIGNATURE, 86)
      return { kind, coordinate, canonical, sig, expiresAt: reader.integer(), clock: reader.integer() }
    }
    case 'reference':
      expectItems(items, 6)
      return { kind, coordinate, channel: reader.matching(ID, 43), id: reader.matching(ID, 43) }
    case 'gone':
      expectItems(items, 5)
      return { kind, coordinate, from: reader.integer(1, coordinate.n) }
  }
}

function expectItems(items: number, expected: number): void {
  if (items !== expected) throw malformed('an entry of another length')
}

export function coordinateItems({ server, incarnation, n }: Coordinate): number[] {
  return [server, incarnation, n]
}

export function readCoordinate(reader: Reader): Coordinate {
  return { server: reader.server(), incarnation: reader.integer(1), n: reader.integer(1) }
}
