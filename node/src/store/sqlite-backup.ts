import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { backup, type BackupProgressInfo, type DatabaseSync } from 'node:sqlite'
import { DredError } from '@dred/protocol'
import { storageFull, unavailable } from './entries.ts'
import type { GroupCommits } from './sqlite-commits.ts'
import { makeForOwner } from './sqlite-files.ts'
import { isNoRoom } from './sqlite-room.ts'

/**
 * Writes a database to a new file beside its own, for its owner only, while it is written; the file has its name only once it is whole.
 * @param hold see {@link GroupCommits.hold}: nothing can be copied in the midst of a transaction, which Node.js takes for the end at first,
 *   and later tries again at once, until it is lucky
 * @returns its path
 * @throws DredError `malformed_request` when there is such a file, `storage_full`, `store_unavailable`
 */
export async function backUpDatabase(db: DatabaseSync, name: string, hold: GroupCommits['hold']): Promise<string> {
  const own = db.location()
  if (own === null) throw unavailable('A database in memory has no file')
  const path = join(dirname(own), name)
  const unfinished = `${path}.part`
  if (existsSync(path)) throw new DredError('malformed_request', { detail: `${path} is there already` })
  let release: (() => void) | undefined
  let copied = 0
  try {
    await rm(unfinished, { force: true })
    makeForOwner(unfinished)
    release = hold()
    const progress = ({ totalPages, remainingPages }: BackupProgressInfo): void => {
      release?.()
      // Writes go on until they keep pages from being copied.
      const pages = totalPages - remainingPages
      release = pages > copied ? undefined : hold()
      copied = pages
    }
    await backup(db, unfinished, { progress })
    await rename(unfinished, path)
    return path
  } catch (error) {
    await rm(unfinished, { force: true })
    throw isNoRoom(error) ? storageFull('There is no room for the backup', error) : unavailable('The backup could not be written', error)
  } finally {
    release?.()
  }
}
