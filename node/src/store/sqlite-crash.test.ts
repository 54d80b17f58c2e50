import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { VersionVector } from '@dred/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSqliteStore } from './sqlite.ts'
import { channel, message, ownOrigin, self } from './testing/samples.ts'

let directory: string
let path: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dred-sqlite-'))
  path = join(directory, 'dred.db')
})
afterEach(() => rm(directory, { recursive: true }))

describe('a process killed while it appends', () => {
  it.each([1, 200, 1_000])('leaves every reported append and none half, killed after %i', async (count) => {
    const script = fileURLToPath(new URL('testing/append-until-killed.ts', import.meta.url))
    const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const chunks: AsyncIterator<string> = child.stdout.setEncoding('utf8')[Symbol.asyncIterator]()
    let output: string = (await chunks.next()).value
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ detail: `${path} is in use by another process` })
    for (;;) {
      if (output.split('\n').length > count) child.kill('SIGKILL')
      const { value, done } = await chunks.next()
      if (done) break
      output += value
    }
    if (child.signalCode === null) await once(child, 'exit')
    expect(child.signalCode).toBe('SIGKILL')

    const reported = output
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split(' '))
    expect(reported.length).toBeGreaterThanOrEqual(count)
    const store = await openSqliteStore({ path })
    const log = await store.readForward(channel.id, new VersionVector(), { limit: 100_000 })
    const kept = new Map(log.map(({ entry }) => [entry.id, `${entry.coordinate.n}`]))
    for (const [id = '', n] of reported) expect(kept.get(id)).toBe(n)
    // The genesis is the first of the origin.
    const state = await store.channel(channel.id)
    expect(state?.messages).toBe(log.length)
    expect((await store.vector()).toData()).toEqual({ [ownOrigin]: [log.length + 1] })
    expect(state?.vector.toData()).toEqual({ [ownOrigin]: [log.length + 1] })
    const kinds = (await store.readOrigin({ ...self, from: 1, to: 100_000 }, 100_000)).map(({ kind }) => kind)
    expect(kinds).toEqual(['genesis', ...log.map(() => 'message')])
    await store.close()
  })
})

describe('opening', () => {
  it('refuses a file that is open already', async () => {
    const store = await openSqliteStore({ path })
    await expect(openSqliteStore({ path })).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: `${path} is in use by another process`,
    })
    await store.append(channel, self, 1)
    await store.close()
    await (await openSqliteStore({ path })).close()
  })

  it('refuses a file of a newer version and leaves it alone', async () => {
    await (await openSqliteStore({ path })).close()
    const newer = new DatabaseSync(path)
    newer.exec('PRAGMA user_version = 99')
    newer.close()
    await expect(openSqliteStore({ path })).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: expect.stringContaining('version 99'),
    })
    const after = new DatabaseSync(path)
    expect(after.prepare('PRAGMA user_version').get()).toEqual({ user_version: 99 })
    after.close()
  })

  it('refuses what is no database, and a path that cannot be', async () => {
    await writeFile(path, 'not a database, but long enough to have a header '.repeat(50))
    await expect(openSqliteStore({ path })).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: `${path} is not an SQLite database`,
    })
    await expect(openSqliteStore({ path: join(path, 'below-a-file') })).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  it('makes the directory', async () => {
    const store = await openSqliteStore({ path: join(directory, 'a', 'b', 'dred.db') })
    await store.append(message(channel.id, 'a'), self, 1)
    await store.close()
    await expect(store.ping()).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})
