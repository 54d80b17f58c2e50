import { type Coordinate, type Origin, parseOrigin, VersionVector } from '@dred/protocol'
import { genesisOf } from './entries.ts'
import type { ChannelState, Entry, LoggedMessage, NewEntry, Place, Position } from './port.ts'

/** Of the layout that `lua/common.lua` describes. What lies under another one is left alone. */
const LAYOUT = 4

/** Names of the keys that scripts and reads share. */
export function keysUnder(storePrefix: string) {
  const prefix = `${storePrefix}${LAYOUT}:`
  return {
    prefix,
    state: `${prefix}state`,
    ids: `${prefix}ids`,
    order: `${prefix}order`,
    channels: `${prefix}channels`,
    notices: `${prefix}notices`,
    secret: `${prefix}secret`,
    originLog: (origin: Origin) => `${prefix}o:${origin}`,
    beyond: (origin: Origin) => `${prefix}x:${origin}`,
    channel: (id: string) => `${prefix}c:${id}`,
    controls: (id: string) => `${prefix}c:${id}:k`,
    log: (id: string) => `${prefix}c:${id}:log`,
    counts: (id: string, origin: Origin) => `${prefix}c:${id}:o:${origin}`,
  }
}

export type Keys = ReturnType<typeof keysUnder>

/** A stream's item as `XRANGE` gives it. */
export type StreamItem = [id: string, fields: string[]]

/** The origins of which a channel has had messages, by the fields of its hash. */
export function originsOf(fields: readonly string[]): Origin[] {
  return fields.filter((field): field is Origin => field.includes('-'))
}

/** A hash or a stream item's fields by name. */
export function fieldsOf(flat: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {}
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i] ?? ''] = flat[i + 1] ?? ''
  return fields
}

/** The members of a sorted set with their scores, as `WITHSCORES` gives them. */
export function scoredOf(flat: readonly string[]): { member: string; score: number }[] {
  const scored = []
  for (let i = 0; i + 1 < flat.length; i += 2) scored.push({ member: flat[i] ?? '', score: Number(flat[i + 1]) })
  return scored
}

export function coordinateOf(origin: string | undefined, n: string | number | undefined): Coordinate {
  return { ...parseOrigin(origin ?? ''), n: Number(n) }
}

/** An entry that was logged; with its place, when it is a message. */
export interface Logged {
  position: Position
  entry: Entry
  place: Place | undefined
}

/** What a script told of something that it logged, see `lua/log.lua`. */
export function toldOf(text: string): Logged {
  const fields = text.split('\n', 11)
  const [at, upTo, kind, origin, n, clock, id = '', channel = '', sig = '', sentAt, expiresAt] = fields
  const canonical = text.slice(fields.reduce((length, field) => length + field.length + 1, 0))
  const position = Number(at)
  const common = { channel, id, canonical, sig, sentAt: Number(sentAt), expiresAt: Number(expiresAt) }
  const counted = { coordinate: coordinateOf(origin, n), clock: Number(clock) }
  if (kind === 'g')
    return { position, entry: { kind: 'genesis', ...common, ...counted, genesis: genesisOf(canonical, sig) }, place: undefined }
  return { position, entry: { kind: 'message', ...common, ...counted }, place: { position, watermark: Number(upTo) } }
}

/** Where an id's entry lies. */
export interface Found {
  kind: 'message' | 'genesis'
  channel: string
  position: number
}

export function foundOf(value: string | null | undefined): Found | undefined {
  if (!value) return undefined
  const [kind, channel = '', position] = value.split('|')
  return { kind: kind === 'g' ? 'genesis' : 'message', channel, position: Number(position) }
}

export function loggedMessageOf(channel: string, [streamId, flat]: StreamItem): LoggedMessage {
  const { i: id = '', b: canonical = '', s: sig = '', o, n, a, w, t, x } = fieldsOf(flat)
  const times = { sentAt: Number(t), expiresAt: Number(x), clock: Number(a) }
  return {
    position: Number(streamId.split('-')[0]),
    watermark: Number(w),
    entry: { kind: 'message', channel, id, canonical, sig, ...times, coordinate: coordinateOf(o, n) },
  }
}

export function genesisEntryOf(id: string, hash: Record<string, string>): (Entry & { kind: 'genesis' }) | undefined {
  const { g, b: canonical = '', s: sig = '', o, n, a, t, x } = hash
  if (g === undefined) return undefined
  const times = { sentAt: Number(t), expiresAt: Number(x), clock: Number(a) }
  return { kind: 'genesis', channel: id, id, canonical, sig, ...times, coordinate: coordinateOf(o, n), genesis: genesisOf(canonical, sig) }
}

/** @returns undefined while the genesis is not known, and once the channel has expired */
export function channelStateOf(
  id: string,
  hash: Record<string, string>,
  rest: { messages: number; vector: VersionVector },
): ChannelState | undefined {
  const entry = genesisEntryOf(id, hash)
  if (!entry || hash['e'] !== undefined) return undefined
  return { id, genesis: entry.genesis, canonical: entry.canonical, lastActivityAt: Number(hash['l']), ...rest }
}

/** A script's answer for an origin: its watermark and the counts beyond. */
export type OriginCounts = [origin: Origin, upTo: string, ...beyond: string[]]

export function vectorOf(replies: readonly OriginCounts[]): VersionVector {
  const vector = new VersionVector()
  for (const [origin, upTo, ...beyond] of replies) {
    vector.raise(origin, Number(upTo))
    for (const n of beyond) vector.add(origin, Number(n))
  }
  return vector
}

/** Arguments of the scripts for an entry: kind, id, channel, canonical, sig, sentAt, expiresAt, idle time, clock. */
export function entryArguments(entry: NewEntry, clock: number): string[] {
  const { id, channel, canonical, sig, sentAt, expiresAt } = entry
  const idle = entry.kind === 'genesis' ? `${entry.genesis.idleMs}` : ''
  return [entry.kind === 'genesis' ? 'g' : 'm', id, channel, canonical, sig, `${sentAt}`, `${expiresAt}`, idle, `${clock}`]
}
