import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VersionVector } from '@dred/protocol'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Store } from './port.ts'
import { openSqliteStore } from './sqlite.ts'
import { at, channel, ids, message, self } from './testing/samples.ts'

const QUOTA = 4 * 1_048_576

let directory: string
let store: Store
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dred-sqlite-'))
  store = await openSqliteStore({ path: join(directory, 'dred.db'), maxBytes: QUOTA })
})
afterEach(async () => {
  await store.close()
  await rm(directory, { recursive: true })
})

/** Appends until the store refuses. @returns ids that were acknowledged, and what the others were told */
async function fill(round: number): Promise<{ acknowledged: string[]; refusals: Set<string> }> {
  const acknowledged: string[] = []
  const refusals = new Set<string>()
  for (let batch = 0; refusals.size === 0; batch++) {
    const entries = Array.from({ length: 20 }, (_, i) => message(channel.id, `${round}.${batch}.${i} ${'x'.repeat(20_000)}`))
    const outcomes = await Promise.allSettled(entries.map((entry) => store.append(entry, self, 1)))
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') acknowledged.push(entries[i]?.id ?? '')
      else refusals.add(outcome.reason.code)
    }
  }
  return { acknowledged, refusals }
}

const log = async (): Promise<string[]> => ids(await store.readForward(channel.id, new VersionVector(), { limit: 100_000 }))

it('a database as large as it may be refuses writes, is read, deletes, and takes writes again', async () => {
  await store.append(channel, self, 1)
  const { acknowledged, refusals } = await fill(1)
  expect([...refusals]).toEqual(['storage_full'])
  expect(acknowledged.length).toBeGreaterThan(100)
  expect(await log()).toEqual(acknowledged)
  await expect(store.ping()).rejects.toMatchObject({ code: 'storage_full' })
  await expect(store.replicate(at(message(channel.id, 'theirs'), [1, 1, 1]))).rejects.toMatchObject({ code: 'storage_full' })
  expect(await store.purge(message('', '').expiresAt + 1)).toBe(acknowledged.length)
  expect(await log()).toEqual([])
  await store.ping()
  const next = message(channel.id, 'next', { sentAt: 90_000 })
  expect(await store.append(next, self, 2)).toMatchObject({ coordinate: { n: acknowledged.length + 2 } })
  expect(await store.replicate(at(message(channel.id, 'theirs', { sentAt: 90_000 }), [1, 1, 1]))).toBe('stored')
})

it('gives what it has deleted back to the disk', async () => {
  const path = join(directory, 'dred.db')
  await store.append(channel, self, 1)
  const { acknowledged } = await fill(1)
  for (let round = 0; round < 5; round++) await store.purge(message('', '').expiresAt + 1)
  expect(acknowledged.length).toBeGreaterThan(100)
  await store.close()
  expect((await stat(path)).size).toBeLessThan(QUOTA / 4)
})

it('opens a full database for reading', async () => {
  await store.append(channel, self, 1)
  const { acknowledged } = await fill(1)
  await store.close()
  store = await openSqliteStore({ path: join(directory, 'dred.db'), maxBytes: QUOTA / 2 })
  expect(await log()).toEqual(acknowledged)
  await expect(store.append(message(channel.id, 'more'), self, 1)).rejects.toMatchObject({ code: 'storage_full' })
  expect(await store.purge(message('', '').expiresAt + 1)).toBe(acknowledged.length)
  await store.ping()
})

const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0

it.skipIf(!canMount)('a disk that is full loses nothing that was acknowledged, also with SIGKILL, and deletes make room', () => {
  const script = fileURLToPath(new URL('testing/fill-disk.ts', import.meta.url))
  const inside =
    'mkdir "$0/disk" && mount -t tmpfs -o size=48m none "$0/disk" && "$1" "$2" fill "$0/disk/dred.db" "$0/report";' +
    '"$1" "$2" check "$0/disk/dred.db" "$0/report"'
  const output = execFileSync('unshare', ['-rm', 'sh', '-c', inside, directory, process.execPath, script], { encoding: 'utf8' })
  const { acknowledged, refused, kept, missing, purged, after } = JSON.parse(output.trim().split('\n').at(-1) ?? '') as Record<
    string,
    unknown
  >
  expect({ refused, missing, after }).toEqual({ refused: ['storage_full'], missing: 0, after: 'created' })
  expect(acknowledged).toBeGreaterThan(500)
  expect(kept).toBeGreaterThanOrEqual(Number(acknowledged))
  expect(purged).toBe(kept)
})
