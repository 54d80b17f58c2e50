import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type Origin, originOf, VersionVector } from '@dred/protocol'
import { genesisOf, highestBelow, PASSED_OVER, withGoneRuns } from './entries.ts'
import type { ChannelState, Entry, LoggedMessage, OriginEntry, Position } from './port.ts'

interface MessageRow {
  position: number
  id: string
  channel: string
  server: number
  incarnation: number
  n: number
  accepted_at: number
  sent_at: number
  expires_at: number
  canonical: string
  sig: string
}

interface ChannelRow {
  key: number
  id: string
  messages: number
  last_activity_at: number
  server: number
  incarnation: number
  n: number
  accepted_at: number
  created_at: number
  expires_at: number
  canonical: string
  sig: string
}

interface OriginRow {
  n: number
  kind: 'message' | 'genesis' | 'alias'
  place: number
  id: string | null
  accepted_at: number | null
}

interface ChannelOrigin {
  key: number
  server: number
  incarnation: number
  up_to: number
  purged_to: number
}

const MESSAGES = `
  SELECT position, m.id, c.id AS channel, server, incarnation, m.n, m.accepted_at, sent_at, m.expires_at, m.canonical, m.sig
  FROM messages m JOIN channels c ON c.key = m.channel JOIN origins o ON o.key = m.origin`

const CHANNELS = `
  SELECT c.key, id, messages, last_activity_at, server, incarnation, n, accepted_at, created_at, expires_at, canonical, sig
  FROM channels c JOIN origins o ON o.key = c.origin`

function prepareReads(db: DatabaseSync) {
  return {
    origins: db.prepare('SELECT server, incarnation, up_to FROM origins'),
    origin: db.prepare('SELECT key, up_to FROM origins WHERE server = ? AND incarnation = ?'),
    originLog: db.prepare(`
      SELECT n, 'message' AS kind, position AS place, NULL AS id, NULL AS accepted_at
        FROM messages WHERE origin = :origin AND n BETWEEN :from AND :to
      UNION ALL SELECT n, 'genesis', key, NULL, NULL
        FROM channels WHERE origin = :origin AND n BETWEEN :from AND :to AND canonical IS NOT NULL
      UNION ALL SELECT n, 'alias', 0, id, accepted_at
        FROM aliases WHERE origin = :origin AND n BETWEEN :from AND :to
      ORDER BY n LIMIT :limit`),
    message: db.prepare(`${MESSAGES} WHERE position = ?`),
    messageById: db.prepare(`${MESSAGES} WHERE m.id = ?`),
    genesis: db.prepare(`${CHANNELS} WHERE c.key = ?`),
    genesisById: db.prepare(`${CHANNELS} WHERE id = ?`),
    channelKey: db.prepare('SELECT key FROM channels WHERE id = ?'),
    channel: db.prepare(`${CHANNELS} WHERE id = ? AND hidden_at IS NULL`),
    channels: db.prepare(`${CHANNELS} WHERE id > ? AND hidden_at IS NULL ORDER BY id LIMIT ?`),
    channelOrigins: db.prepare(`
      SELECT o.key, server, incarnation, co.up_to, purged_to FROM channel_origins co JOIN origins o ON o.key = co.origin
      WHERE co.channel = ?`),
    purgedBeyond: db.prepare('SELECT n FROM purged_beyond WHERE channel = ? AND origin = ? ORDER BY n'),
    firstAbove: db.prepare('SELECT position FROM messages WHERE channel = ? AND origin = ? AND n > ? ORDER BY n LIMIT 1'),
    lastUpTo: db.prepare('SELECT position FROM messages WHERE channel = ? AND origin = ? AND n <= ? ORDER BY n DESC LIMIT 1'),
    forward: db.prepare(`${MESSAGES} WHERE m.channel = ? AND position >= ? ORDER BY position`),
    backward: db.prepare(`${MESSAGES} WHERE m.channel = ? AND position <= ? ORDER BY position DESC`),
  }
}

/** The reads of the port, each of one state of the database. */
export class SqliteReader {
  readonly #sql: ReturnType<typeof prepareReads>

  constructor(db: DatabaseSync) {
    this.#sql = prepareReads(db)
  }

  vector(): VersionVector {
    const vector = new VersionVector()
    for (const row of this.#sql.origins.all() as unknown as ChannelOrigin[]) vector.raise(originOf(row), row.up_to)
    return vector
  }

  readOrigin({ server, incarnation, from, to }: Parameters<typeof withGoneRuns>[1], limit: number): OriginEntry[] {
    const origin = this.#sql.origin.get(server, incarnation) as { key: number; up_to: number } | undefined
    const last = Math.min(to, origin?.up_to ?? 0)
    if (!origin || last < from || limit < 1) return []
    const rows = this.#sql.originLog.all({ origin: origin.key, from, to: last, limit }) as unknown as OriginRow[]
    const kept = rows.flatMap((row) => this.#originEntry({ server, incarnation, n: row.n }, row) ?? [])
    return withGoneRuns(kept, { server, incarnation, from, to: last }, limit)
  }

  channel(id: string): ChannelState | undefined {
    const row = this.#sql.channel.get(id) as ChannelRow | undefined
    return row && this.#state(row)
  }

  channels(after: string | undefined, limit: number): ChannelState[] {
    return (this.#sql.channels.all(after ?? '', limit) as unknown as ChannelRow[]).map((row) => this.#state(row))
  }

  readForward(channel: string, seen: VersionVector, { limit, after = 0 }: { limit: number; after?: Position }): LoggedMessage[] {
    const key = this.#key(channel)
    if (key === undefined) return []
    const behind = this.#origins(key).filter((row) => row.up_to > seen.watermark(originOf(row)))
    const find = (last: Position = after, passed: Passed): Position | undefined => {
      const positions = behind.flatMap((row) => {
        const origin = originOf(row)
        const n = Math.max(seen.watermark(origin), passed.get(origin) ?? 0)
        return this.#position(this.#sql.firstAbove, [key, row.key, n]) ?? []
      })
      return positions.length === 0 ? undefined : Math.max(last + 1, Math.min(...positions))
    }
    const read = (from: Position) => this.#sql.forward.iterate(key, from) as Iterable<unknown> as Iterable<MessageRow>
    return take({ find, read, wanted: (origin, n) => !seen.has(origin, n) }, limit)
  }

  readBackward(channel: string, within: VersionVector | undefined, limit: number): LoggedMessage[] {
    const key = this.#key(channel)
    if (key === undefined) return []
    const origins = this.#origins(key)
    const data = within?.toData()
    const find = (last: Position = Number.MAX_SAFE_INTEGER, passed: Passed): Position | undefined => {
      if (!data) return last
      const positions = origins.flatMap((row) => {
        const origin = originOf(row)
        const n = highestBelow(data[origin], passed.get(origin) ?? Number.MAX_SAFE_INTEGER)
        return this.#position(this.#sql.lastUpTo, [key, row.key, n]) ?? []
      })
      return positions.length === 0 ? undefined : Math.min(last - 1, Math.max(...positions))
    }
    const read = (from: Position) => this.#sql.backward.iterate(key, from) as Iterable<unknown> as Iterable<MessageRow>
    return take({ find, read, wanted: (origin, n) => within?.has(origin, n) ?? true }, limit).reverse()
  }

  purged(channel: string): VersionVector {
    const vector = new VersionVector()
    const key = this.#key(channel)
    if (key === undefined) return vector
    for (const row of this.#origins(key).filter(({ purged_to }) => purged_to > 0)) vector.raise(originOf(row), row.purged_to)
    for (const row of this.#origins(key)) {
      for (const { n } of this.#sql.purgedBeyond.all(key, row.key) as { n: number }[]) vector.add(originOf(row), n)
    }
    return vector
  }

  #key(channel: string): number | undefined {
    return this.#sql.channelKey.get(channel)?.['key'] as number | undefined
  }

  #origins(channel: number): ChannelOrigin[] {
    return this.#sql.channelOrigins.all(channel) as unknown as ChannelOrigin[]
  }

  #position(statement: StatementSync, parameters: number[]): Position | undefined {
    return statement.get(...parameters)?.['position'] as number | undefined
  }

  #state(row: ChannelRow): ChannelState {
    const { id, canonical, sig, messages } = row
    const vector = new VersionVector()
    for (const origin of this.#origins(row.key)) if (origin.up_to > 0) vector.raise(originOf(origin), origin.up_to)
    return { id, genesis: genesisOf(canonical, sig), canonical, messages, lastActivityAt: row.last_activity_at, vector }
  }

  #originEntry(coordinate: Entry['coordinate'], row: OriginRow): OriginEntry | undefined {
    if (row.kind === 'message') return messageEntry(this.#sql.message.get(row.place))
    if (row.kind === 'genesis') return genesisEntry(this.#sql.genesis.get(row.place))
    const { id, accepted_at } = row
    const first = messageEntry(this.#sql.messageById.get(id)) ?? genesisEntry(this.#sql.genesisById.get(id))
    if (!first) return undefined
    if (accepted_at === null) return { kind: 'reference', coordinate, channel: first.channel, id: first.id }
    return { ...first, coordinate, acceptedAt: accepted_at }
  }
}

function messageEntry(found: unknown): (Entry & { kind: 'message' }) | undefined {
  if (!found) return undefined
  const { id, channel, server, incarnation, n, canonical, sig, ...row } = found as MessageRow
  return {
    kind: 'message',
    channel,
    id,
    canonical,
    sig,
    sentAt: row.sent_at,
    expiresAt: row.expires_at,
    coordinate: { server, incarnation, n },
    acceptedAt: row.accepted_at,
  }
}

function genesisEntry(found: unknown): Entry | undefined {
  if (!found) return undefined
  const { id, server, incarnation, n, canonical, sig, ...row } = found as ChannelRow
  return {
    kind: 'genesis',
    channel: id,
    id,
    canonical,
    sig,
    sentAt: row.created_at,
    expiresAt: row.expires_at,
    coordinate: { server, incarnation, n },
    acceptedAt: row.accepted_at,
    genesis: genesisOf(canonical, sig),
  }
}

/** Last counts of origins that were looked at. */
type Passed = ReadonlyMap<Origin, number>

interface Scan {
  /** Where the next message may be that is wanted, after the last position read; undefined when there is none. */
  find: (last: Position | undefined, passed: Passed) => Position | undefined
  /** The log from a position on, in the direction of the scan. */
  read: (from: Position) => Iterable<MessageRow>
  wanted: (origin: Origin, n: number) => boolean
}

function take({ find, read, wanted }: Scan, limit: number): LoggedMessage[] {
  const messages: LoggedMessage[] = []
  const passed = new Map<Origin, number>()
  let last: Position | undefined
  for (let over = PASSED_OVER; over === PASSED_OVER && messages.length < limit; ) {
    const from = find(last, passed)
    if (from === undefined) break
    over = 0
    for (const row of read(from)) {
      const origin = originOf(row)
      last = row.position
      passed.set(origin, row.n)
      const entry = wanted(origin, row.n) ? messageEntry(row) : undefined
      if (entry) messages.push({ position: row.position, entry })
      over = entry ? 0 : over + 1
      if (over === PASSED_OVER || messages.length === limit) break
    }
  }
  return messages
}
