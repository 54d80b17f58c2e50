import type { DatabaseSync } from 'node:sqlite'
import { type Coordinate, DredError, limits } from '@dred/protocol'
import { EXPIRED_CHANNEL_KEPT_MS, EXPIRED_MESSAGES_KEPT_MS, PURGE_STEP } from './entries.ts'
import type { AppendResult, Entry, NewEntry, OriginEntry, Position } from './port.ts'
import { prepareWrites } from './sqlite-statements.ts'

/** What a write came to, and the entry that it logged, if it did. */
export interface Written<T> {
  result: T
  logged?: { entry: Entry; position: Position | undefined }
}

interface Known {
  kind: 'message' | 'genesis'
  server: number
  incarnation: number
  n: number
  accepted_at: number
  channel: number
  hidden_at: number | null
}

interface Doomed {
  position: number
  id: string
  channel: number
  origin: number
  n: number
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
  append(entry: NewEntry, self: Pick<Coordinate, 'server' | 'incarnation'>, acceptedAt: number): Written<AppendResult> {
    const known = this.#known(entry.kind, entry.id)
    if (known) {
      if (entry.kind === 'genesis' && known.hidden_at !== null) throw new DredError('channel_expired')
      const { server, incarnation, n } = known
      return { result: { created: false, coordinate: { server, incarnation, n }, acceptedAt: known.accepted_at } }
    }
    if (this.#expired(entry)) throw new DredError('message_expired')
    if (this.#channelExpired(entry)) throw new DredError('channel_expired')
    const { upTo, advance } = this.#origin(self)
    const n = upTo + 1
    const logged: Entry = { ...entry, coordinate: { server: self.server, incarnation: self.incarnation, n }, acceptedAt }
    const position = this.#log(logged, advance(n))
    return { result: { created: true, coordinate: logged.coordinate, acceptedAt }, logged: { entry: logged, position } }
  }

  replicate(entry: OriginEntry): Written<'stored' | 'known' | 'gap'> {
    const { n } = entry.coordinate
    const { upTo, advance } = this.#origin(entry.coordinate)
    if (n <= upTo) return { result: 'known' }
    if (n > upTo + 1 && entry.kind !== 'gone') return { result: 'gap' }
    const origin = advance(n)
    if (entry.kind === 'gone') return { result: 'stored' }
    const known = this.#known(entry.kind, entry.id)
    if (known) {
      this.#sql.insertAlias.run(origin, n, entry.id, entry.kind === 'reference' ? null : entry.acceptedAt)
      if (known.kind === 'message') this.#sql.raiseVector.run(known.channel, origin, n)
      return { result: 'stored' }
    }
    if (entry.kind === 'reference') return { result: 'stored' }
    if (this.#expired(entry)) {
      const channel = this.#sql.channel.get(entry.channel)
      if (channel) {
        const key = Number(channel['key'])
        this.#sql.raiseVector.run(key, origin, n)
        this.#rememberPurged(key, origin, n)
      }
      return { result: 'stored' }
    }
    return { result: 'stored', logged: { entry, position: this.#log(entry, origin) } }
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
    for (const message of doomed) this.#delete(message)
    const expired = sql.doomedByDate.all(now, PURGE_STEP - doomed.length) as unknown as Doomed[]
    for (const message of expired) this.#delete(message)
    sql.hideUnused.run(now)
    const forgotten = sql.forgettableChannels.all(now - EXPIRED_CHANNEL_KEPT_MS, PURGE_STEP) as { key: number; id: string }[]
    for (const { key, id } of forgotten) {
      sql.deleteAliases.run(id)
      sql.deletePurgedBeyond.run(key)
      sql.deleteChannelOrigins.run(key)
      sql.deleteChannel.run(key)
    }
    const more = hidden === PURGE_STEP || doomed.length + expired.length === PURGE_STEP || forgotten.length === PURGE_STEP
    return { deleted: hidden + doomed.length + expired.length, more }
  }

  #known(kind: 'message' | 'genesis' | 'reference', id: string): Known | undefined {
    const message = kind === 'genesis' ? undefined : this.#sql.knownMessage.get(id)
    return (message ?? (kind === 'message' ? undefined : this.#sql.knownGenesis.get(id))) as Known | undefined
  }

  /** Where an origin stands; `advance` moves it to a count and gives its key. */
  #origin({ server, incarnation }: Pick<Coordinate, 'server' | 'incarnation'>): { upTo: number; advance: (n: number) => number } {
    const known = this.#sql.origin.get(server, incarnation) as { key: number; up_to: number } | undefined
    const advance = (n: number): number => {
      if (!known) return Number(this.#sql.insertOrigin.run(server, incarnation, n).lastInsertRowid)
      this.#sql.advanceOrigin.run(n, known.key)
      return known.key
    }
    return { upTo: known?.up_to ?? 0, advance }
  }

  #expired({ kind, expiresAt }: NewEntry): boolean {
    return kind === 'message' && expiresAt < this.#horizon
  }

  /** Whether an entry's channel expired, and would have although the entry was sent. */
  #channelExpired(entry: NewEntry): boolean {
    const channel = this.#sql.channel.get(entry.channel) as { hidden_at: number | null; idle_ms: number | null } | undefined
    return channel?.hidden_at != null && channel.idle_ms !== null && entry.sentAt + channel.idle_ms < this.#horizon
  }

  #log(entry: Entry, origin: number): Position | undefined {
    const { canonical, sig, sentAt, expiresAt, acceptedAt } = entry
    const { n } = entry.coordinate
    const channel = this.#channelKey(entry.channel)
    if (entry.kind === 'genesis') {
      this.#sql.setGenesis.run({ canonical, sig, origin, n, acceptedAt, sentAt, expiresAt, idleMs: entry.genesis.idleMs, channel })
      return undefined
    }
    const message = { id: entry.id, channel, origin, n, acceptedAt, sentAt, expiresAt, canonical, sig }
    const position = Number(this.#sql.insertMessage.run(message).lastInsertRowid)
    this.#sql.raiseVector.run(channel, origin, n)
    this.#sql.countMessage.run({ sentAt, horizon: this.#horizon, channel })
    return position
  }

  #channelKey(id: string): number {
    const known = this.#sql.channel.get(id)
    return Number(known ? known['key'] : this.#sql.insertChannel.run(id).lastInsertRowid)
  }

  #delete({ position, id, channel, origin, n }: Doomed): void {
    this.#sql.deleteMessage.run(position)
    this.#sql.deleteAliases.run(id)
    this.#sql.discountMessage.run(channel)
    this.#rememberPurged(channel, origin, n)
  }

  /** `purged_to` stays below what is kept: reading from there on has to find it. */
  #rememberPurged(channel: number, origin: number, n: number): void {
    const firstKept = Number(this.#sql.firstKept.get(channel, origin)?.['n'] ?? Number.POSITIVE_INFINITY)
    if (n > firstKept) {
      const { count } = this.#sql.countBeyond.get(channel, origin) as { count: number }
      if (count < limits.vectorExceptions) this.#sql.insertBeyond.run(channel, origin, n)
      return
    }
    const below = Math.min(firstKept, Number.MAX_SAFE_INTEGER)
    const beyond = Number(this.#sql.lastBeyond.get(channel, origin, below)?.['n'] ?? 0)
    this.#sql.raisePurged.run(channel, origin, Math.max(n, beyond))
    this.#sql.deleteBeyond.run(channel, origin, below)
  }
}
