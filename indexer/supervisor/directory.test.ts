import { lstat, mkdir, mkdtemp, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLastingDirectory, openTemporaryDirectory } from './directory.ts'

let dataDir: string

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'dred-directory-'))
})
afterEach(() => rm(dataDir, { recursive: true, force: true }))

/** Puts a file where the database would be. */
async function fill(path: string) {
  await mkdir(path, { recursive: true })
  await writeFile(join(path, 'data'), 'data')
}

const exists = (path: string) =>
  lstat(path).then(
    () => true,
    () => false,
  )

test('keeps the database of the same identity and deletes that of another', async () => {
  const first = await openLastingDirectory(dataDir, 'one')
  await fill(first.path)
  await first.dispose()
  const again = await openLastingDirectory(dataDir, 'one')
  expect(await readdir(again.path)).toEqual(['data'])
  const other = await openLastingDirectory(dataDir, 'two')
  expect(other.path).toBe(again.path)
  expect(await exists(join(other.path, 'data'))).toBe(false)
})

test('a temporary database is always new and leaves nothing', async () => {
  const first = await openTemporaryDirectory(dataDir)
  await fill(first.path)
  // As after a kill: nobody disposed of the first.
  const second = await openTemporaryDirectory(dataDir)
  expect(await exists(join(first.path, 'data'))).toBe(false)
  await fill(second.path)
  await second.dispose()
  expect([await exists(dirname(second.path)), await exists(join(dataDir, 'pglite'))]).toEqual([false, false])
})

test('a temporary database replaces a lasting one', async () => {
  const lasting = await openLastingDirectory(dataDir, 'one')
  await fill(lasting.path)
  const temporary = await openTemporaryDirectory(dataDir)
  expect(await exists(join(temporary.path, 'data'))).toBe(false)
  await temporary.dispose()
})

test('follows no link that it did not make', async () => {
  const foreign = join(dataDir, 'foreign')
  await fill(foreign)
  await symlink(foreign, join(dataDir, 'pglite'))
  const temporary = await openTemporaryDirectory(dataDir)
  expect(await readlink(join(dataDir, 'pglite')).catch(() => 'no link')).not.toBe(foreign)
  await temporary.dispose()
  expect(await readdir(foreign)).toEqual(['data'])
})
