import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DevPaths } from './paths.ts'

/** Deletes everything of the local network but the lock, which the caller holds. */
export async function wipe(paths: DevPaths): Promise<void> {
  const names = await readdir(paths.root)
  const gone = names.map((name) => join(paths.root, name)).filter((path) => path !== paths.lock)
  await Promise.all(gone.map((path) => rm(path, { recursive: true, force: true })))
}
