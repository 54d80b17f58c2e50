import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { describeStore, type StoreHarness } from './testing/contract.ts'
import { openSqliteStore } from './sqlite.ts'
import { describeAgainstModel } from './testing/against-model.ts'
import { at, channel, message } from './testing/samples.ts'

async function prepare(): Promise<StoreHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'dred-sqlite-'))
  return {
    open: () => openSqliteStore({ path: join(directory, 'dred.db') }),
    dispose: () => rm(directory, { recursive: true }),
  }
}

describeStore('SQLite', prepare)
describeAgainstModel('SQLite', prepare, [1, 100, 102, 110])

it('keeps nothing of gaps that are filled', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dred-sqlite-'))
  const path = join(directory, 'dred.db')
  const store = await openSqliteStore({ path })
  for (const n of [3, 5, 4, 1, 2, 6]) await store.replicate(at(message(channel.id, `${n}`), [1, 1, n]))
  await store.close()
  const db = new DatabaseSync(path)
  const rows = ['origins_beyond', 'channel_origins_beyond'].flatMap((table) => db.prepare(`SELECT n FROM ${table}`).all())
  db.close()
  await rm(directory, { recursive: true })
  expect(rows).toEqual([])
})
