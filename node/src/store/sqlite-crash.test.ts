import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { VersionVector } from '@dred/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { advance } from '../log-reader.ts'
import { endWithProcess } from '../testing/end-with-process.ts'
import { openSqliteStore } from './sqlite.ts'
import { MIGRATIONS } from './sqlite-schema.ts'
import { at, channel, message, ownOrigin, self } from './testing/samples.ts'

let directory: string
let path: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dred-sqlite-'))
  path = join(directory, 'dred.db')
})
afterEach(() => rm(directory, { recursive: true }))

describe('a process killed while it writes', () => {
  it.each([1, 200, 1_000])('leaves every reported write and none half, killed after %i', async (count) => {
    const script = fileURLToPath(new URL('testing/append-until-killed.ts', import.meta.url))
    const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    endWithProcess(child)
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
    const kept = new Map(log.map(({ entry }) => [entry.id, `${entry.coordinate.server}-${entry.coordinate.n}`]))
    for (const [id = '', place] of reported) expect(kept.get(id)).toBe(place)
    // The genesis is the first of the origin.
    const seen = VersionVector.from({ [ownOrigin]: [1] })
    for (const message of log) advance(seen, message)
    const own = seen.watermark(ownOrigin)
    const state = await store.channel(channel.id)
    expect(state?.messages).toBe(log.length)
    expect((await store.vector()).toData()).toEqual(seen.toData())
    expect(state?.vector.toData()).toEqual(seen.toData())
    expect(seen.counts('1-1').length).toBeGreaterThan(1)
    expect(log.length).toBe(own - 1 + countsOf(seen.counts('1-1')))
    const kinds = (await store.readOrigin({ ...self, from: 1, to: 100_000 }, 100_000)).map(({ kind }) => kind)
    expect(kinds).toEqual(['genesis', ...Array.from({ length: own - 1 }, () => 'message')])
    const next = await store.append(message(channel.id, 'next'), self, 1)
    expect(next.coordinate.n).toBe(own + 1)
    await store.close()
  })
})

describe('a process killed while it cuts what it has written', () => {
  it.each([300, 1_000, 2_000])('leaves an account of what is kept, and says that the rest is gone, killed after %i', async (count) => {
    const script = fileURLToPath(new URL('testing/append-until-killed.ts', import.meta.url))
    const child = spawn(process.execPath, [script, path, '100'], { stdio: ['ignore', 'pipe', 'inherit'] })
    endWithProcess(child)
    let output = ''
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      output += String(chunk)
      if (output.split('\n').length > count) child.kill('SIGKILL')
    }
    const store = await openSqliteStore({ path })
    const log = await store.readForward(channel.id, new VersionVector(), { limit: 100_000 })
    const bytes = log.reduce((sum, { entry }) => sum + Buffer.byteLength(entry.canonical), 0)
    expect(await store.account()).toEqual({ messages: log.length, bytes, channels: 1 })
    expect((await store.channel(channel.id))?.messages).toBe(log.length)
    const kept = new Set(log.map(({ entry }) => entry.id))
    const gone = await store.purged(channel.id)
    const reported = output.split('\n').slice(0, -1)
    const lost = reported.filter((line) => {
      const [id = '', place = ''] = line.split(' ')
      const [server, n] = place.split('-').map(Number)
      return !kept.has(id) && !gone.has(server === self.server ? ownOrigin : '1-1', n ?? 0)
    })
    expect(lost).toEqual([])
    expect(reported.length).toBeGreaterThan(kept.size)
    await store.close()
  })
})

const countsOf = ([upTo, ...beyond]: readonly [number, ...number[]]): number => upTo + beyond.length

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

  it('converts a file of the first version', async () => {
    const old = new DatabaseSync(path)
    old.exec(MIGRATIONS[0] ?? '')
    old.exec(`
      INSERT INTO origins VALUES (1, 1, 1, 5), (2, 2, 1, 2);
      INSERT INTO channels (key, id, messages, canonical, sig, origin, n, accepted_at, created_at, expires_at, idle_ms)
        VALUES (1, '${channel.id}', 2, '${channel.canonical}', 'sig', 1, 1, 1000, 1000, 9000, 100000);
      INSERT INTO messages (id, channel, origin, n, accepted_at, sent_at, expires_at, canonical, sig)
        VALUES ('a', 1, 1, 2, 1001, 1000, 9000, '{}', 'sig'), ('b', 1, 1, 4, 1003, 1000, 9000, '{}', 'sig');
      INSERT INTO aliases VALUES (2, 1, 'a', NULL), (2, 2, 'b', 1004);
      INSERT INTO channel_origins VALUES (1, 1, 4, 0), (1, 2, 2, 0);
      PRAGMA user_version = 1`)
    old.close()
    await (await openSqliteStore({ path })).close()
    const store = await openSqliteStore({ path })
    const log = await store.readForward(channel.id, new VersionVector(), { limit: 10 })
    expect(log.map(({ entry, watermark }) => [entry.coordinate.n, watermark, entry.clock])).toEqual([
      [2, 2, 1_001_000],
      [4, 4, 1_003_000],
    ])
    expect((await store.channel(channel.id))?.vector.toData()).toEqual({ '1-1': [4], '2-1': [2] })
    expect((await store.vector()).toData()).toEqual({ '1-1': [5], '2-1': [2] })
    expect(await store.readOrigin({ server: 2, incarnation: 1, from: 1, to: 9 }, 9)).toMatchObject([
      { kind: 'reference', coordinate: { n: 1 }, id: 'a' },
      { kind: 'message', coordinate: { n: 2 }, id: 'b', clock: 1_004_000 },
    ])
    expect(await store.append(channel, self, 1)).toMatchObject({ created: false, clock: 1_000_000 })
    expect(await store.replicate(at(message(channel.id, 'early'), [1, 1, 9]))).toBe('stored')
    expect(await store.readForward(channel.id, VersionVector.from({ '1-1': [5] }), { limit: 10 })).toHaveLength(1)
    await store.close()
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
