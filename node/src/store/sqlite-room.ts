import { randomFillSync } from 'node:crypto'
import { rmSync, statSync, writeFileSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { StoreSize } from './port.ts'
import { OWNER_ONLY } from './sqlite-files.ts'

/** Bytes on the disk that only deletions may use: SQLite needs room to make room. */
const RESERVE_BYTES = 8 * 1_048_576
/** Milliseconds between attempts to set them aside again. */
const RETRY_MS = 1_000
/** Free pages beyond which a database that was full takes writes again, so that it is not full again at once. */
const MARGIN_PAGES = 256

/**
 * Whether the database has room for more. It is full from the first write that the disk or the operator's bound refuses until a
 * reserve for deletions could be set aside again.
 */
export class Room {
  readonly #db: DatabaseSync
  /** Undefined for a database in memory. */
  readonly #reserve: string | undefined
  readonly #maxPages: number | undefined
  #full = false
  #retryAt = 0

  /** @param maxBytes of the database file at most; what it has beyond its last checkpoint and the reserve come on top */
  constructor(db: DatabaseSync, maxBytes?: number) {
    this.#db = db
    const path = db.location()
    this.#reserve = path === null ? undefined : `${path}-reserve`
    this.#maxPages = maxBytes === undefined ? undefined : Math.floor(maxBytes / this.#pragma('page_size'))
    this.#full = !this.#setAside()
    if (this.#full) this.#release()
  }

  /** Whether only deletions may be tried. Now and then that is found out anew. */
  get full(): boolean {
    return this.#full && (performance.now() < this.#retryAt || this.isStillFull())
  }

  /** Of the database file, of which deletions leave room for more. */
  get size(): StoreSize {
    const page = this.#pragma('page_size')
    const bytes = (this.#pragma('page_count') - this.#pragma('freelist_count')) * page
    return { bytes, maxBytes: this.#maxPages === undefined ? Number.POSITIVE_INFINITY : this.#maxPages * page }
  }

  /** A write was refused: what is set aside is given to deletions. */
  exhausted(): void {
    if (!this.#full) this.#release()
    this.#full = true
    this.#retryAt = performance.now() + RETRY_MS
  }

  /** Tries to set room aside again. @returns whether the database is full still */
  isStillFull(): boolean {
    if (!this.#full) return false
    this.empty()
    this.#retryAt = performance.now() + RETRY_MS
    this.#full = !this.#setAside()
    return this.#full
  }

  /** Gives pages without content back to the disk, a few milliseconds' worth. @returns whether there are more */
  shrink(): boolean {
    this.#db.exec('PRAGMA incremental_vacuum(512)')
    return this.#pragma('auto_vacuum') !== 0 && this.#pragma('freelist_count') > 0
  }

  /** Moves what is in the write-ahead log to the database, and gives its room back to the disk. */
  empty(): void {
    try {
      this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    } catch {
      // There is no room for that either.
    }
  }

  #release(): void {
    if (this.#reserve !== undefined) rmSync(this.#reserve, { force: true })
    if (this.#maxPages === undefined) return
    const pages = Math.ceil(RESERVE_BYTES / this.#pragma('page_size'))
    this.#db.exec(`PRAGMA max_page_count = ${this.#maxPages + pages}`)
  }

  #setAside(): boolean {
    if (this.#maxPages !== undefined) {
      const used = this.#pragma('page_count') - this.#pragma('freelist_count')
      if (used + (this.#full ? MARGIN_PAGES : 0) > this.#maxPages) return false
      this.#db.exec(`PRAGMA max_page_count = ${this.#maxPages}`)
    }
    if (this.#reserve === undefined) return true
    try {
      // Of random bytes, as file systems that compress would set nothing aside for others.
      if (sizeOf(this.#reserve) < RESERVE_BYTES)
        writeFileSync(this.#reserve, randomFillSync(Buffer.allocUnsafe(RESERVE_BYTES)), { mode: OWNER_ONLY })
      return true
    } catch {
      rmSync(this.#reserve, { force: true })
      return false
    }
  }

  #pragma(name: string): number {
    return Number(this.#db.prepare(`PRAGMA ${name}`).get()?.[name])
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

const SQLITE_IOERR = 10
const SQLITE_FULL = 13
/** Of the errors of input and output those that say that something stored is not to be read: READ, SHORT_READ, DATA, CORRUPTFS. */
const UNREADABLE = new Set([1, 2, 32, 33])

/** Whether an error of SQLite says that what is to be written finds no place on the disk. */
export function isNoRoom(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0
  return (code & 0xff) === SQLITE_FULL || ((code & 0xff) === SQLITE_IOERR && !UNREADABLE.has(code >> 8))
}
