import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeStore, type StoreHarness } from './contract.ts'
import { openSqliteStore } from './sqlite.ts'
import { describeAgainstModel } from './testing/against-model.ts'

async function prepare(): Promise<StoreHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'dred-sqlite-'))
  return {
    open: () => openSqliteStore({ path: join(directory, 'dred.db') }),
    dispose: () => rm(directory, { recursive: true }),
  }
}

describeStore('SQLite', prepare)
describeAgainstModel('SQLite', prepare, [1, 100, 102, 110])
