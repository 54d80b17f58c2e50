import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type Coordinate, type Origin, originOf, parseOrigin, type SignedGenesis, VersionVector } from '@dred/protocol'
import type { OriginRange } from '@dred/protocol/relay'
import { ChannelScan } from './channel-scan.ts'
import { genesisOf, highestBelow, NEVER, PASSED_OVER, withGoneRuns } from './entries.ts'
import type { ChannelQuery, ChannelState, ChannelStates, Entry, LoggedMessage, OriginEntry, Position } from './port.ts'
import { CHANNELS, type ChannelRow, genesisEntry, MESSAGES, type MessageRow, messageEntry } from './sqlite-rows.ts'
import { PURGEABLE } from './sqlite-statements.ts'

interface OriginRow {
  n: number
  kind: 'message' | 'genesis' | 'alias'
  place: number
  id: string | null
  clock: number | null
}

interface ChannelOrigin {
  key: number
  server: number
  incarnation: number
  up_to: number
  /** The highest exception. */
  beyond: number | null
  purged_to: number
}

function prepareReads(db: DatabaseSync) {
  return {
    origins: db.prepare('SELECT server, incarnation, up_to FROM origins'),
    beyond: db.prepare('SELECT server, incarnation, n FROM origins_beyond JOIN origins ON key = origin ORDER BY origin, n'),
    floors: db.prepare(`
      SELECT server, incarnation, min(up_to,
        coalesce((SELECT min(n) FROM messages WHERE origin = o.key) - 1, up_to),
        coalesce((SELECT min(n) FROM channels WHERE origin = o.key AND canonical IS NOT NULL) - 1, up_to),
        coalesce((SELECT min(n) FROM aliases WHERE origin = o.key) - 1, up_to)) AS n
      FROM origins o`),
    entry: db.prepare('SELECT 1 FROM messages WHERE id = :id UNION ALL SELECT 1 FROM channels WHERE id = :id AND canonical IS NOT NULL'),
    origin: db.prepare('SELECT key, up_to FROM origins WHERE server = ? AND incarnation = ?'),
    originBeyond: db.prepare('SELECT n FROM origins_beyond WHERE origin = ? AND n BETWEEN ? AND ? ORDER BY n'),
    originLog: db.prepare(`
      SELECT n, 'message' AS kind, position AS place, NULL AS id, NULL AS clock
        FROM messages WHERE origin = :origin AND n BETWEEN :from AND :to
      UNION ALL SELECT n, 'genesis', key, NULL, NULL
        FROM channels WHERE origin = :origin AND n BETWEEN :from AND :to AND canonical IS NOT NULL
      UNION ALL SELECT n, 'alias', 0, id, clock
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
      SELECT o.key, server, incarnation, co.up_to, purged_to,
        (SELECT max(n) FROM channel_origins_beyond b WHERE b.channel = co.channel AND b.origin = co.origin) AS beyond
      FROM channel_origins co JOIN origins o ON o.key = co.origin WHERE co.channel = ?`),
    channelBeyond: db.prepare('SELECT n FROM channel_origins_beyond WHERE channel = ? AND origin = ? ORDER BY n'),
    purgeable: db.prepare(PURGEABLE),
    purgedBeyond: db.prepare('SELECT n FROM purged_beyond WHERE channel = ? AND origin = ? ORDER BY n'),
    onTimeAbove: db.prepare(`
      SELECT position FROM messages WHERE channel = ? AND origin = ? AND n > ? AND n <= watermark ORDER BY n LIMIT 1`),
    onTimeUpTo: db.prepare(`
      SELECT position FROM messages WHERE channel = ? AND origin = ? AND n <= ? AND n <= watermark ORDER BY n DESC LIMIT 1`),
    earlyAfter: db.prepare(`
      SELECT position FROM messages WHERE channel = ? AND origin = ? AND position > ? AND n > ? AND n > watermark
      ORDER BY position LIMIT 1`),
    earlyBefore: db.prepare(`
      SELECT position FROM messages WHERE channel = ? AND origin = ? AND position < ? AND n <= ? AND n > watermark
      ORDER BY position DESC LIMIT 1`),
    ahead: db.prepare(`
      SELECT n FROM messages WHERE channel = ? AND origin = ? AND position < ? AND n > ? AND n > watermark`),
    forward: db.prepare(`${MESSAGES} WHERE m.channel = ? AND position >= ? ORDER BY position`),
    controls: db.prepare(`
      ${MESSAGES} WHERE m.channel = ? AND position > ? AND m.expires_at = ${NEVER} ORDER BY position LIMIT ?`),
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
    for (const row of this.#sql.beyond.all() as unknown as Coordinate[]) vector.add(originOf(row), row.n)
    return vector
  }

  floors(): Record<Origin, number> {
    const floors = this.#sql.floors.all() as unknown as Coordinate[]
    return Object.fromEntries(floors.filter(({ n }) => n > 0).map((floor) => [originOf(floor), floor.n]))
  }

  unknown(ids: readonly string[]): string[] {
    return ids.filter((id) => !this.#sql.entry.get({ id }))
  }

  readOrigin(range: OriginRange, limit: number): OriginEntry[] {
    const { server, incarnation, from, to } = range
    const origin = this.#sql.origin.get(server, incarnation) as { key: number; up_to: number } | undefined
    if (!origin || limit < 1) return []
    const rows = this.#sql.originLog.all({ origin: origin.key, from, to, limit }) as unknown as OriginRow[]
    const kept = rows.flatMap((row) => this.#originEntry({ server, incarnation, n: row.n }, row) ?? [])
    const beyond = this.#sql.originBeyond.all(origin.key, from, to) as { n: number }[]
    return withGoneRuns(kept, [origin.up_to, ...beyond.map(({ n }) => n)], { range, limit })
  }

  channel(id: string): ChannelState | undefined {
    const row = this.#sql.channel.get(id) as ChannelRow | undefined
    return row && this.#state(row)
  }

  channels(after: string | undefined, query: ChannelQuery): ChannelStates {
    const scan = new ChannelScan<ChannelRow & { genesis: SignedGenesis }>(query, after)
    const read = () => this.#sql.channels.all(scan.next ?? '', scan.batch) as unknown as ChannelRow[]
    while (scan.offer(read().map((row) => ({ ...row, genesis: genesisOf(row.canonical, row.sig) }))));
    return { found: scan.found.map((row) => this.#state(row)), next: scan.next }
  }

  readForward(channel: string, seen: VersionVector, { limit, after = 0 }: { limit: number; after?: Position }): LoggedMessage[] {
    const key = this.#key(channel)
    if (key === undefined) return []
    const behind = this.#origins(key).filter((row) => Math.max(row.up_to, row.beyond ?? 0) > seen.watermark(originOf(row)))
    const find = (last: Position, passed: Passed): Position | undefined => {
      const positions = behind.flatMap((row) => {
        const origin = originOf(row)
        const n = seen.watermark(origin)
        return [
          this.#position(this.#sql.onTimeAbove, [key, row.key, Math.max(n, passed.get(origin) ?? 0)]),
          this.#position(this.#sql.earlyAfter, [key, row.key, last, n]),
        ]
      })
      const next = Math.min(...positions.map((position) => position ?? Number.POSITIVE_INFINITY))
      return next === Number.POSITIVE_INFINITY ? undefined : Math.max(last + 1, next)
    }
    const read = (last: Position) => this.#sql.forward.iterate(key, last) as Iterable<unknown> as Iterable<MessageRow>
    return take({ from: find(after, new Map()), find, read, wanted: (origin, n) => !seen.has(origin, n) }, limit)
  }

  readBackward(
    channel: string,
    within: VersionVector,
    { limit, before = Number.MAX_SAFE_INTEGER }: { limit: number; before?: Position },
  ): LoggedMessage[] {
    const key = this.#key(channel)
    if (key === undefined) return []
    const origins = this.#origins(key)
    const data = within.toData()
    const find = (last: Position, passed: Passed): Position | undefined => {
      const positions = origins.flatMap((row) => {
        const counts = data[originOf(row)]
        const n = highestBelow(counts, passed.get(originOf(row)) ?? Number.MAX_SAFE_INTEGER)
        return [
          this.#position(this.#sql.onTimeUpTo, [key, row.key, n]),
          this.#position(this.#sql.earlyBefore, [key, row.key, last, highestBelow(counts, Number.MAX_SAFE_INTEGER)]),
        ]
      })
      const next = Math.max(...positions.map((position) => position ?? 0))
      return next === 0 ? undefined : Math.min(last - 1, next)
    }
    const read = (last: Position) => this.#sql.backward.iterate(key, last) as Iterable<unknown> as Iterable<MessageRow>
    return take({ from: before - 1, find, read, wanted: (origin, n) => within.has(origin, n) }, limit).reverse()
  }

  controls(channel: string, { limit, after = 0 }: { limit: number; after?: Position }): LoggedMessage[] {
    const key = this.#key(channel)
    if (key === undefined) return []
    const rows = this.#sql.controls.all(key, after, limit) as unknown as MessageRow[]
    return rows.flatMap((row) => {
      const entry = messageEntry(row)
      return entry ? { position: row.position, watermark: row.watermark, entry } : []
    })
  }

  ahead(channel: string, counts: Readonly<Record<Origin, number>>, before: Position): Coordinate[] {
    const key = this.#key(channel)
    if (key === undefined) return []
    return Object.entries(counts).flatMap(([name, above]) => {
      const { server, incarnation } = parseOrigin(name)
      const origin = this.#sql.origin.get(server, incarnation)?.['key']
      if (origin === undefined) return []
      const rows = this.#sql.ahead.all(key, origin, before, above) as { n: number }[]
      return rows.map(({ n }) => ({ server, incarnation, n }))
    })
  }

  purged(channel: string): VersionVector {
    const vector = new VersionVector()
    const key = this.#key(channel)
    if (key === undefined) return vector
    for (const row of this.#origins(key)) {
      const origin = originOf(row)
      if (row.purged_to > 0) vector.raise(origin, row.purged_to)
      const beyond = this.#sql.purgedBeyond.all(key, row.key) as { n: number }[]
      if (beyond.length === 0) continue
      const { n: upTo } = this.#sql.purgeable.get({ channel: key, origin: row.key }) as { n: number }
      for (const { n } of beyond) {
        if (n <= upTo) vector.raise(origin, n)
        else vector.add(origin, n)
      }
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
    for (const origin of this.#origins(row.key)) {
      if (origin.up_to > 0) vector.raise(originOf(origin), origin.up_to)
      if (origin.beyond === null) continue
      for (const { n } of this.#sql.channelBeyond.all(row.key, origin.key) as { n: number }[]) vector.add(originOf(origin), n)
    }
    return { id, genesis: genesisOf(canonical, sig), canonical, messages, lastActivityAt: row.last_activity_at, vector }
  }

  #originEntry(coordinate: Entry['coordinate'], row: OriginRow): OriginEntry | undefined {
    if (row.kind === 'message') return messageEntry(this.#sql.message.get(row.place))
    if (row.kind === 'genesis') return genesisEntry(this.#sql.genesis.get(row.place))
    const { id, clock } = row
    const first = messageEntry(this.#sql.messageById.get(id)) ?? genesisEntry(this.#sql.genesisById.get(id))
    if (!first) return undefined
    if (clock === null) return { kind: 'reference', coordinate, channel: first.channel, id: first.id }
    return { ...first, coordinate, clock }
  }
}

/** Of each origin the last count among its messages on time that was looked at. */
type Passed = ReadonlyMap<Origin, number>

interface Scan {
  /** Where the first message may be that is wanted; undefined when there is none. */
  from: Position | undefined
  /** Where the next one may be, after the last position read. */
  find: (last: Position, passed: Passed) => Position | undefined
  /** The log from a position on, in the direction of the scan. */
  read: (from: Position) => Iterable<MessageRow>
  wanted: (origin: Origin, n: number) => boolean
}

function take({ from: first, find, read, wanted }: Scan, limit: number): LoggedMessage[] {
  const messages: LoggedMessage[] = []
  const passed = new Map<Origin, number>()
  for (let from = first; from !== undefined && messages.length < limit; ) {
    let last = from
    let over = 0
    for (const row of read(from)) {
      const origin = originOf(row)
      const { position, watermark } = row
      last = position
      if (row.n <= watermark) passed.set(origin, row.n)
      const entry = wanted(origin, row.n) ? messageEntry(row) : undefined
      if (entry) messages.push({ position, watermark, entry })
      over = entry ? 0 : over + 1
      if (over === PASSED_OVER || messages.length === limit) break
    }
    from = over === PASSED_OVER ? find(last, passed) : undefined
  }
  return messages
}
