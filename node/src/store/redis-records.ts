import { type Coordinate, type Origin, parseOrigin, VersionVector } from '@dred/protocol'
import { genesisOf } from './entries.ts'
import type { ChannelState, Entry, LoggedMessage, NewEntry } from './port.ts'

/** Names of the keys that scripts and reads share; `lua/common.lua` tells what they hold. */
export function keysUnder(prefix: string) {
  return {
    prefix,
    origins: `${prefix}origins`,
    ids: `${prefix}ids`,
    feed: `${prefix}feed`,
    channels: `${prefix}channels`,
    originLog: (origin: Origin) => `${prefix}o:${origin}`,
    channel: (id: string) => `${prefix}c:${id}`,
    log: (id: string) => `${prefix}c:${id}:log`,
    counts: (id: string, origin: Origin) => `${prefix}c:${id}:o:${origin}`,
    vector: (id: string) => `${prefix}c:${id}:v`,
    purged: (id: string) => `${prefix}c:${id}:p`,
    purgedBeyond: (id: string, origin: Origin) => `${prefix}c:${id}:b:${origin}`,
  }
}

export type Keys = ReturnType<typeof keysUnder>

/** A stream's item as `XRANGE` gives it. */
export type StreamItem = [id: string, fields: string[]]

/** A hash or a stream item's fields by name. */
export function fieldsOf(flat: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {}
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i] ?? ''] = flat[i + 1] ?? ''
  return fields
}

export function coordinateOf(origin: string | undefined, n: string | number | undefined): Coordinate {
  return { ...parseOrigin(origin ?? ''), n: Number(n) }
}

/** Where an id's entry lies. */
export interface Place {
  kind: 'message' | 'genesis'
  channel: string
  position: number
}

export function placeOf(value: string | null | undefined): Place | undefined {
  if (!value) return undefined
  const [kind, channel = '', position] = value.split('|')
  return { kind: kind === 'g' ? 'genesis' : 'message', channel, position: Number(position) }
}

export function loggedMessageOf(channel: string, [streamId, flat]: StreamItem): LoggedMessage {
  const { i: id = '', b: canonical = '', s: sig = '', o, n, a, t, x } = fieldsOf(flat)
  const times = { sentAt: Number(t), expiresAt: Number(x), acceptedAt: Number(a) }
  return {
    position: Number(streamId.split('-')[0]),
    entry: { kind: 'message', channel, id, canonical, sig, ...times, coordinate: coordinateOf(o, n) },
  }
}

export function genesisEntryOf(id: string, hash: Record<string, string>): (Entry & { kind: 'genesis' }) | undefined {
  const { g, b: canonical = '', s: sig = '', o, n, a, t, x } = hash
  if (g === undefined) return undefined
  const times = { sentAt: Number(t), expiresAt: Number(x), acceptedAt: Number(a) }
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

/** The vector of watermarks that a hash of origins holds. */
export function vectorOf(hash: Record<string, string>): VersionVector {
  const vector = new VersionVector()
  for (const [origin, upTo] of Object.entries(hash)) vector.raise(origin as Origin, Number(upTo))
  return vector
}

/** Arguments of the scripts for an entry's own fields: kind, id, channel, canonical, sig, sentAt, expiresAt, idle time. */
export function entryArguments(entry: NewEntry): string[] {
  const { id, channel, canonical, sig, sentAt, expiresAt } = entry
  const idle = entry.kind === 'genesis' ? `${entry.genesis.idleMs}` : ''
  return [entry.kind === 'genesis' ? 'g' : 'm', id, channel, canonical, sig, `${sentAt}`, `${expiresAt}`, idle]
}
