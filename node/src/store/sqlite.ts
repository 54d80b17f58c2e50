import type { DatabaseSync } from 'node:sqlite'
import { DredError } from '@dred/protocol'
import { unavailable } from './entries.ts'
import { Listeners } from '../listeners.ts'
import type { Entry, OriginEntry, Place, RetentionCaps, Store, StoreSize } from './port.ts'
import { GroupCommits } from './sqlite-commits.ts'
import { backUpDatabase } from './sqlite-backup.ts'
import { SqliteCut } from './sqlite-cut.ts'
import { SqliteNotices } from './sqlite-notices.ts'
import { SqliteReader } from './sqlite-reader.ts'
import { Room } from './sqlite-room.ts'
import { openDatabase } from './sqlite-schema.ts'
import { SqliteWriter, type Written } from './sqlite-writer.ts'

const PING = `INSERT INTO settings VALUES ('ping', 0) ON CONFLICT DO UPDATE SET value = 1 - value`

/**
 * The embedded store: one file and its write-ahead log, for one process. What was reported as written survives the end of the
 * process and of the machine (`synchronous = FULL`). It is never out of reach and back, so `onReconnected` never fires.
 * @param options.path of the database file; it and its directory are made if missing
 * @param options.maxBytes which it may have; default: as the disk has room
 * @throws DredError `store_unavailable`: another process has the file open, or it is none of ours; the detail says which
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  return new SqliteStore(openDatabase(options.path), options)
}

export interface SqliteOptions {
  path: string
  maxBytes?: number
}

class SqliteStore implements Store {
  readonly #db: DatabaseSync
  readonly #room: Room
  readonly #commits: GroupCommits
  readonly #writer: SqliteWriter
  readonly #cut: SqliteCut
  readonly #reader: SqliteReader
  readonly notices: SqliteNotices
  readonly #appended = new Listeners<[entry: Entry, place: Place | undefined]>()

  constructor(db: DatabaseSync, { maxBytes }: SqliteOptions) {
    this.#db = db
    this.#room = new Room(db, maxBytes)
    this.#commits = new GroupCommits(db, this.#room)
    this.#writer = new SqliteWriter(db)
    this.#cut = new SqliteCut(db, this.#writer)
    this.#reader = new SqliteReader(db)
    this.notices = new SqliteNotices(db, this.#commits)
  }

  readonly append: Store['append'] = (entry, self, clock) => this.#write(() => this.#writer.append(entry, self, clock))

  replicate(entry: OriginEntry): ReturnType<Store['replicate']> {
    return this.#write(() => this.#writer.replicate(entry))
  }

  async purge(now: number): Promise<number> {
    let total = 0
    for (let more = true; more; ) {
      const step = await this.#free(() => this.#writer.purgeStep(now))
      total += step.deleted
      more = step.more
    }
    await this.#shrink()
    return total
  }

  async cut(caps: RetentionCaps, now: number): Promise<number> {
    const deleted = await this.#cut.run(caps, now, (step) => this.#free(step))
    if (deleted > 0) await this.#shrink()
    return deleted
  }

  readonly account: Store['account'] = () => this.#read(() => this.#cut.account())

  readonly vector: Store['vector'] = () => this.#read((reader) => reader.vector())
  readonly floors: Store['floors'] = () => this.#read((reader) => reader.floors())
  readonly unknown: Store['unknown'] = (ids) => this.#read((reader) => reader.unknown(ids))
  readonly readOrigin: Store['readOrigin'] = (range, limit) => this.#read((reader) => reader.readOrigin(range, limit))
  readonly channel: Store['channel'] = (id) => this.#read((reader) => reader.channel(id))
  readonly channels: Store['channels'] = (after, query) => this.#read((reader) => reader.channels(after, query))
  readonly readForward: Store['readForward'] = (channel, seen, options) =>
    this.#read((reader) => reader.readForward(channel, seen, options))
  readonly readBackward: Store['readBackward'] = (channel, within, options) =>
    this.#read((reader) => reader.readBackward(channel, within, options))
  readonly ahead: Store['ahead'] = (channel, counts, before) => this.#read((reader) => reader.ahead(channel, counts, before))
  readonly controls: Store['controls'] = (channel, options) => this.#read((reader) => reader.controls(channel, options))
  readonly purged: Store['purged'] = (channel) => this.#read((reader) => reader.purged(channel))

  onAppended(listener: (entry: Entry, place: Place | undefined) => void): () => void {
    return this.#appended.add(listener)
  }

  onReconnected(): () => void {
    return () => undefined
  }

  async size(): Promise<StoreSize> {
    return this.#read(() => this.#room.size)
  }

  /** Also writes: a full or read-only disk is a store out of reach. */
  async ping(): Promise<void> {
    await this.#commits.run(() => this.#db.exec(PING))
  }

  async backup(name: string): Promise<string> {
    if (!this.#db.isOpen) throw unavailable('The store is closed')
    return backUpDatabase(this.#db, name, () => this.#commits.hold())
  }

  async close(): Promise<void> {
    if (!this.#db.isOpen) return
    this.#commits.close()
    this.#db.close()
  }

  async #shrink(): Promise<void> {
    let shrinks = await this.#free(() => this.#room.shrink())
    while (this.#room.isStillFull() && shrinks) shrinks = await this.#free(() => this.#room.shrink())
  }

  /** Deletes; again with what is set aside for that, when there is no other room. */
  async #free<T>(work: () => T): Promise<T> {
    try {
      return await this.#commits.run(work, undefined, { frees: true })
    } catch (error) {
      if (!(error instanceof DredError && error.code === 'storage_full')) throw error
      this.#room.empty()
      return this.#commits.run(work, undefined, { frees: true })
    }
  }

  async #write<T>(write: () => Written<T>): Promise<T> {
    const { result } = await this.#commits.run(write, ({ logged }) => {
      if (logged) this.#appended.emit(logged.entry, logged.place)
    })
    return result
  }

  async #read<T>(read: (reader: SqliteReader) => T): Promise<T> {
    if (!this.#db.isOpen) throw unavailable('The store is closed')
    try {
      return read(this.#reader)
    } catch (error) {
      throw unavailable('The database could not be read', error)
    }
  }
}
