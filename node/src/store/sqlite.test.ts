import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeStore } from './contract.ts'
import { openSqliteStore } from './sqlite.ts'

describeStore('SQLite store', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dred-sqlite-'))
  return {
    open: () => openSqliteStore({ path: join(directory, 'dred.db') }),
    dispose: () => rm(directory, { recursive: true }),
  }
})
