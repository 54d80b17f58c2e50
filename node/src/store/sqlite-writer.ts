import type { DatabaseSync } from 'node:sqlite'
import { type Coordinate, DredError, limits } from '@dred/protocol'
import { EXPIRED_CHANNEL_KEPT_MS, EXPIRED_MESSAGES_KEPT_MS, PURGE_STEP } from './entries.ts'
import type { AppendResult, Entry, NewEntry, OriginEntry, Place } from './port.ts'
import { prepareWrites } from './sqlite-statements.ts'

/** What a write came to, and the entry that it logged, if it did. */
export interface Written<T> {
  result: T
  logged?: { entry: Entry; place: Place | undefined }
}

interface Known {
  kind: 'message' | 'genesis'
  server: number
  incarnation: number
  n: number
  clock: number
  channel: number
  hidden_at: number | null
}

interface OriginRow {
  /** Undefined while nothing of the origin is known. */
  key: number | undefined
  up_to: number
  /** The lowest exception. */
  beyond: number | null
}

/** An origin, and how far it is known without a gap. */
interface Progress {
  origin: number
  watermark: number
}

/** A message that is to be deleted. */
export interface Doomed {
  position: number
  id: string
  channel: number
  origin: number
  n: number
  bytes: number
}

/** The writes of the port. Each has to run inside a transaction of its own or with others; none leaves anything behind if it throws. */
export class SqliteWriter {
  readonly #sql: ReturnType<typeof prepareWrites>
  /** Unix ms of the last purge: what expired before it does not come in again. */
  #horizon: number

  constructor(db: DatabaseSync) {
    this.#sql = prepareWrites(db)
    this.#horizon = Number(this.#sql.horizon.get()?.['value'] ?? 0)
  }

  /** @throws DredError `message_expired`, `channel_expired` */
  append(entry: NewEntry, self: Pick<Coordinate, 'server' | 'incarnation'>, clock: number): Written<AppendResult> {
    const known = this.#known(entry.kind, entry.id)
    if (known) {
      if (entry.kind === 'genesis' && known.hidden_at !== null) throw new DredError('channel_expired')
      const { server, incarnation, n } = known
      return { result: { created: false, coordinate: { server, incarnation, n }, clock: known.clock } }
    }
    if (this.#expired(entry)) throw new DredError('message_expired')
    if (this.#channelExpired(entry)) throw new DredError('channel_expired')
    const origin = this.#origin(self)
    const coordinate = { server: self.server, incarnation: self.incarnation, n: origin.up_to + 1 }
    const logged: Entry = { ...entry, coordinate, clock }
    const place = this.#log(logged, this.#raise(origin, coordinate))
    return { result: { created: true, coordinate, clock }, logged: { entry: logged, place } }
  }

  replicate(entry: OriginEntry): Written<'stored' | 'known' | 'refused'> {
    const { n } = entry.coordinate
    const progress = this.#count(entry.coordinate, entry.kind === 'gone' ? entry.from : n)
    if (typeof progress === 'string') return { result: progress }
    if (entry.kind === 'gone') return { result: 'stored' }
    const known = this.#known(entry.kind, entry.id)
    if (known) {
      this.#sql.insertAlias.run(progress.origin, n, entry.id, entry.kind === 'reference' ? null : entry.clock)
      if (known.kind === 'message') this.#countIn(known.channel, n, progress)
      return { result: 'stored' }
    }
    if (entry.kind === 'reference') return { result: 'stored' }
    if (this.#expired(entry)) {
      const channel = this.#sql.channel.get(entry.channel)
      if (channel) {
        const key = Number(channel['key'])
        this.#countIn(key, n, progress)
        this.#rememberPurged(key, progress.origin, n)
      }
      return { result: 'stored' }
    }
    return { result: 'stored', logged: { entry, place: this.#log(entry, progress) } }
  }

  /**
   * One bounded part of a purge, to be repeated while `more`.
   * @param now Unix ms
   */
  purgeStep(now: number): { deleted: number; more: boolean } {
    const sql = this.#sql
    sql.setHorizon.run(now)
    this.#horizon = now
    const hidden = Number(sql.hideChannels.run(now, now, PURGE_STEP).changes)
    const doomed = sql.doomedWithChannel.all(now - EXPIRED_MESSAGES_KEPT_MS, PURGE_STEP) as unknown as Doomed[]
    for (const message of doomed) this.delete(message)
    const expired = sql.doomedByDate.all(now, PURGE_STEP - doomed.length) as unknown as Doomed[]
    for (const message of expired) this.delete(message)
    this.hideUnused(now)
    const forgotten = sql.forgettableChannels.all(now - EXPIRED_CHANNEL_KEPT_MS, PURGE_STEP) as { key: number; id: string }[]
    for (const { key, id } of forgotten) {
      sql.deleteAliases.run(id)
      sql.forgetPurgedBeyond.run(key)
      sql.forgetVectorBeyond.run(key)
      sql.deleteChannelOrigins.run(key)
      sql.deleteChannel.run(key)
    }
    const more = hidden === PURGE_STEP || doomed.length + expired.length === PURGE_STEP || forgotten.length === PURGE_STEP
    return { deleted: hidden + doomed.length + expired.length, more }
  }

  /** Channels of which only messages were known are unused without them. */
  hideUnused(now: number): void {
    this.#sql.hideUnused.run(now)
  }

  delete({ position, id, channel, origin, n, bytes }: Doomed): void {
    this.#sql.deleteMessage.run(position)
    this.#sql.deleteAliases.run(id)
    this.#sql.discountMessage.run(bytes, channel)
    this.#sql.addToTotals.run(-1, -bytes)
    this.#rememberPurged(channel, origin, n)
  }

  #known(kind: 'message' | 'genesis' | 'reference', id: string): Known | undefined {
    const message = kind === 'genesis' ? undefined : this.#sql.knownMessage.get(id)
    return (message ?? (kind === 'message' ? undefined : this.#sql.knownGenesis.get(id))) as Known | undefined
  }

  #origin({ server, incarnation }: Pick<Coordinate, 'server' | 'incarnation'>): OriginRow {
    return (this.#sql.origin.get(server, incarnation) as OriginRow | undefined) ?? { key: undefined, up_to: 0, beyond: null }
  }

  #originKey({ key }: OriginRow, { server, incarnation }: Coordinate): number {
    return key ?? Number(this.#sql.insertOrigin.run(server, incarnation).lastInsertRowid)
  }

  /** Notes `from` up to the count of the coordinate as known, unless all are, or that would be too many exceptions. */
  #count(coordinate: Coordinate, from: number): Progress | 'known' | 'refused' {
    const { n } = coordinate
    const row = this.#origin(coordinate)
    if (n <= row.up_to) return 'known'
    if (from <= row.up_to + 1) return this.#raise(row, coordinate)
    const beyond = (first: number, last: number): number => Number(this.#sql.countBeyond.get(row.key ?? 0, first, last)?.['count'])
    const added = n - from + 1 - beyond(from, n)
    if (added === 0) return 'known'
    if (added + beyond(0, Number.MAX_SAFE_INTEGER) > limits.vectorExceptions) return 'refused'
    const origin = this.#originKey(row, coordinate)
    for (let count = from; count <= n; count++) this.#sql.insertBeyond.run(origin, count)
    return { origin, watermark: row.up_to }
  }

  /** Notes everything up to a count as known. */
  #raise(row: OriginRow, coordinate: Coordinate): Progress {
    const origin = this.#originKey(row, coordinate)
    let watermark = coordinate.n
    if (row.beyond !== null && row.beyond <= watermark + 1) {
      for (const { n } of this.#sql.beyond.iterate(origin) as Iterable<unknown> as Iterable<{ n: number }>) {
        if (n > watermark + 1) break
        watermark = Math.max(watermark, n)
      }
      this.#sql.deleteBeyond.run(origin, watermark)
    }
    this.#sql.advanceOrigin.run(watermark, origin)
    return { origin, watermark }
  }

  /** Notes a count in the vector of a channel. What is known of its origin without a gap was logged before, where it is the channel's. */
  #countIn(channel: number, n: number, { origin, watermark }: Progress): void {
    this.#sql.raiseVector.run(channel, origin, watermark)
    this.#sql.deleteVectorBeyond.run(channel, origin, watermark)
    if (n > watermark) this.#sql.insertVectorBeyond.run(channel, origin, n)
  }

  #expired({ kind, expiresAt }: NewEntry): boolean {
    return kind === 'message' && expiresAt < this.#horizon
  }

  /** Whether an entry's channel expired, and would have although the entry was sent. */
  #channelExpired(entry: NewEntry): boolean {
    const channel = this.#sql.channel.get(entry.channel) as { hidden_at: number | null; idle_ms: number | null } | undefined
    return channel?.hidden_at != null && channel.idle_ms !== null && entry.sentAt + channel.idle_ms < this.#horizon
  }

  #log(entry: Entry, progress: Progress): Place | undefined {
    const { canonical, sig, sentAt, expiresAt, clock } = entry
    const { n } = entry.coordinate
    const { origin, watermark } = progress
    const channel = this.#channelKey(entry.channel)
    if (entry.kind === 'genesis') {
      this.#sql.setGenesis.run({ canonical, sig, origin, n, clock, sentAt, expiresAt, idleMs: entry.genesis.idleMs, channel })
      return undefined
    }
    const message = { id: entry.id, channel, origin, n, watermark, clock, sentAt, expiresAt, canonical, sig }
    const position = Number(this.#sql.insertMessage.run(message).lastInsertRowid)
    this.#countIn(channel, n, progress)
    const bytes = Buffer.byteLength(canonical)
    this.#sql.countMessage.run({ sentAt, horizon: this.#horizon, channel, bytes })
    this.#sql.addToTotals.run(1, bytes)
    return { position, watermark }
  }

  #channelKey(id: string): number {
    const known = this.#sql.channel.get(id)
    return Number(known ? known['key'] : this.#sql.insertChannel.run(id).lastInsertRowid)
  }

  /** `purged_to` stays below what is kept and what may still come: reading from there on has to find it. */
  #rememberPurged(channel: number, origin: number, n: number): void {
    const sql = this.#sql
    const upTo = Number(sql.purgeable.get({ channel, origin })?.['n'])
    if (n > upTo) {
      const { count } = sql.countPurgedBeyond.get(channel, origin) as { count: number }
      if (count < limits.vectorExceptions) sql.insertPurgedBeyond.run(channel, origin, n)
      return
    }
    const beyond = Number(sql.lastPurgedBeyond.get(channel, origin, upTo)?.['n'] ?? 0)
    sql.raisePurged.run(channel, origin, Math.max(n, beyond))
    sql.deletePurgedBeyond.run(channel, origin, upTo)
  }
}
