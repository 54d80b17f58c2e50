import type { DatabaseSync } from 'node:sqlite'
import { DredError } from '@dred/protocol'
import { storageFull, unavailable } from './entries.ts'
import { isNoRoom, type Room } from './sqlite-room.ts'

/** Writes that one transaction carries at most. */
const BATCH = 1_024

interface Write {
  /** Runs inside the transaction. A DredError it throws is its own failure; it must not have written anything then. */
  run: () => () => void
  fail: (error: unknown) => void
}

/**
 * Group commit: what arrives in one turn of the event loop shares a transaction and its one fsync. Every write settles only after
 * the commit.
 */
export class GroupCommits {
  readonly #db: DatabaseSync
  readonly #room: Pick<Room, 'full' | 'exhausted'> | undefined
  #queue: Write[] = []
  #scheduled = false
  #holds = 0
  #closed = false

  constructor(db: DatabaseSync, room?: Pick<Room, 'full' | 'exhausted'>) {
    this.#db = db
    this.#room = room
  }

  /**
   * @param write runs inside a transaction, in the order of the calls
   * @param committed called with its result after the commit, in the same order, before the promise resolves
   * @param options.frees whether it makes room, and so is tried also when there is none
   * @throws DredError that `write` threw; `storage_full`; `store_unavailable` when the transaction failed otherwise
   */
  run<T>(write: () => T, committed?: (result: T) => void, { frees = false } = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(unavailable('The store is closed'))
        return
      }
      if (!frees && this.#room?.full) {
        reject(storageFull('There is no room for the database to grow'))
        return
      }
      const run = (): (() => void) => {
        const result = write()
        return () => {
          committed?.(result)
          resolve(result)
        }
      }
      this.#queue.push({ run, fail: reject })
      this.#schedule()
    })
  }

  /** Lets writes wait, and no transaction be open, until what is returned is called. */
  hold(): () => void {
    let held = true
    this.#holds++
    return () => {
      if (!held) return
      held = false
      this.#holds--
      this.#schedule()
    }
  }

  /** Commits what is waiting and takes no more. */
  close(): void {
    this.#closed = true
    while (this.#queue.length > 0) this.#commit()
  }

  #schedule(): void {
    if (this.#scheduled || this.#holds > 0 || this.#queue.length === 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (this.#holds === 0) this.#commit()
      this.#schedule()
    })
  }

  #commit(): void {
    const batch = this.#queue.splice(0, BATCH)
    if (batch.length === 0) return
    const settled: (() => void)[] = []
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      for (const { run, fail } of batch) {
        try {
          settled.push(run())
        } catch (error) {
          if (!(error instanceof DredError)) throw error
          settled.push(() => fail(error))
        }
      }
      this.#db.exec('COMMIT')
    } catch (error) {
      if (this.#db.isOpen && this.#db.isTransaction) this.#db.exec('ROLLBACK')
      const noRoom = isNoRoom(error)
      if (noRoom) this.#room?.exhausted()
      const why = noRoom
        ? storageFull('There is no room for the database to grow', error)
        : unavailable('The database could not be written', error)
      for (const { fail } of batch) fail(why)
      return
    }
    for (const settle of settled) settle()
  }
}
