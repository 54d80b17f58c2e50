import type { DatabaseSync } from 'node:sqlite'
import { supersedes } from '../notices/order.ts'
import type { Notice } from '../notices/port.ts'
import { unavailable } from './entries.ts'
import type { NoticeStore } from './port.ts'
import type { GroupCommits } from './sqlite-commits.ts'

const COLUMNS = 'kind, about, at, expires_at AS expiresAt, text'

export class SqliteNotices implements NoticeStore {
  readonly #db: DatabaseSync
  readonly #commits: GroupCommits
  readonly #sql

  constructor(db: DatabaseSync, commits: GroupCommits) {
    this.#db = db
    this.#commits = commits
    this.#sql = {
      one: db.prepare(`SELECT ${COLUMNS} FROM notices WHERE kind = ? AND about = ?`),
      put: db.prepare('INSERT OR REPLACE INTO notices (kind, about, at, expires_at, text) VALUES (?, ?, ?, ?, ?)'),
      all: db.prepare(`SELECT ${COLUMNS} FROM notices WHERE expires_at >= ?`),
      purge: db.prepare('DELETE FROM notices WHERE expires_at < ?'),
    }
  }

  async put(notice: Notice): Promise<void> {
    const { kind, about, at, expiresAt, text } = notice
    await this.#commits.run(() => {
      const before = this.#sql.one.get(kind, about) as Notice | undefined
      if (!before || supersedes(notice, before)) this.#sql.put.run(kind, about, at, expiresAt, text)
    })
  }

  async all(now: number): Promise<Notice[]> {
    if (!this.#db.isOpen) throw unavailable('The store is closed')
    try {
      return (this.#sql.all.all(now) as unknown as Notice[]).map((row) => ({ ...row }))
    } catch (error) {
      throw unavailable('The database could not be read', error)
    }
  }

  async purge(now: number): Promise<void> {
    await this.#commits.run(() => this.#sql.purge.run(now), undefined, { frees: true })
  }
}
