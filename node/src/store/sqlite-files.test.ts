import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Store } from './port.ts'
import { openSqliteStore } from './sqlite.ts'
import { channel, self } from './testing/samples.ts'

let directory: string
let umask: number
beforeEach(async () => {
  umask = process.umask(0)
  directory = await mkdtemp(join(tmpdir(), 'dred-sqlite-'))
})
afterEach(async () => {
  process.umask(umask)
  await rm(directory, { recursive: true })
})

async function open(): Promise<Store> {
  const store = await openSqliteStore({ path: join(directory, 'dred.db') })
  await store.append(channel, self, 1)
  return store
}

async function modes(): Promise<Record<string, string>> {
  const names = await readdir(directory)
  const found = names.map(async (name) => [name, ((await stat(join(directory, name))).mode & 0o777).toString(8)] as const)
  return Object.fromEntries(await Promise.all(found))
}

it('whatever the process gives new files, those of a database and its backups are for their owner only', async () => {
  const store = await open()
  await store.backup?.('backup.db')
  expect(await modes()).toEqual({ 'dred.db': '600', 'dred.db-wal': '600', 'dred.db-reserve': '600', 'backup.db': '600' })
  await store.close()
})

it('a database that others could read is kept from them', async () => {
  await (await open()).close()
  await Promise.all(['dred.db', 'dred.db-reserve'].map((name) => chmod(join(directory, name), 0o644)))
  const store = await open()
  expect(await modes()).toEqual({ 'dred.db': '600', 'dred.db-wal': '600', 'dred.db-reserve': '600' })
  await store.close()
})
