import { mkdir, mkdtemp, readFile, readlink, rm, statfs, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Folder in which the embedded database lives while the indexer runs. */
export type DatabaseDirectory = {
  path: string
  /** What is to be deleted after the run even if nobody is left to call `dispose`. */
  temporary?: string
  /** Removes what must not outlive the run. */
  dispose(): Promise<void>
}

/** Linux keeps these files in memory. Creating PGlite's thousand files there takes a second, on a disk easily four. */
const MEMORY = '/dev/shm'
const MEMORY_PREFIX = 'dred-indexer-'

/** Free bytes that are wanted there: a new database takes 30 MB, its write-ahead log up to 80 MB. Containers often have 64 MB. */
const MEMORY_BYTES = 512 * 1024 * 1024

/**
 * A folder that lasts: `dataDir/pglite`. What another identity left in it is deleted.
 * @param identity of the chain, the deployment and the code that fill the database
 */
export async function openLastingDirectory(dataDir: string, identity: string): Promise<DatabaseDirectory> {
  const path = join(dataDir, 'pglite')
  const marker = join(path, 'identity')
  if ((await readFile(marker, 'utf8').catch(() => null)) !== identity) {
    await removeDirectory(path)
    await mkdir(path, { recursive: true })
    await writeFile(marker, identity)
  }
  return { path: join(path, 'database'), dispose: async () => undefined }
}

/** A new folder for this run only, in memory where that is possible. `dataDir/pglite` leads to it; what a killed run left is deleted. */
export async function openTemporaryDirectory(dataDir: string): Promise<DatabaseDirectory> {
  const path = join(dataDir, 'pglite')
  await removeDirectory(path)
  await mkdir(dataDir, { recursive: true })
  const memory = await openMemoryDirectory()
  if (memory === null) await mkdir(path)
  else await symlink(memory, path)
  return { path: join(memory ?? path, 'database'), temporary: memory ?? path, dispose: () => removeDirectory(path) }
}

async function openMemoryDirectory(): Promise<string | null> {
  try {
    const { bavail, bsize } = await statfs(MEMORY)
    return bavail * bsize < MEMORY_BYTES ? null : await mkdtemp(join(MEMORY, MEMORY_PREFIX))
  } catch {
    // Not Linux, or not ours to write.
    return null
  }
}

/** An orphan of a killed run may still be writing for a moment. */
const REMOVAL = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 } as const

/** Deletes a folder; if it is a link to one that {@link openMemoryDirectory} made, that one too. */
async function removeDirectory(path: string): Promise<void> {
  const target = await readlink(path).catch(() => null)
  if (target !== null && dirname(target) === MEMORY && target.startsWith(join(MEMORY, MEMORY_PREFIX))) {
    await rm(target, REMOVAL)
  }
  await rm(path, REMOVAL)
}
