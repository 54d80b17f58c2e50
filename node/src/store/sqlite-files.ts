import { chmodSync, closeSync, existsSync, openSync, statSync } from 'node:fs'

/** Of all that a database writes: in it is what members of channels say. */
export const OWNER_ONLY = 0o600

/**
 * Makes a file of no bytes for its owner only, which SQLite then takes for a new database and gives its mode to what lies beside it.
 * A file that is there is left as it is: to close it would end the locks that this process has on it.
 */
export function makeForOwner(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'a', OWNER_ONLY))
}

/** Takes a database's files from others, to whom earlier versions left them. One that somebody else owns stays as its owner made it. */
export function keepToOwner(path: string): void {
  for (const file of [path, `${path}-wal`, `${path}-reserve`]) {
    const found = statSync(file, { throwIfNoEntry: false })
    if (found && found.uid === process.getuid?.() && (found.mode & 0o077) !== 0) chmodSync(file, OWNER_ONLY)
  }
}
