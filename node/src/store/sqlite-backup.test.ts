import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { VersionVector } from '@dred/protocol'
import { Nodes } from '../testing/nodes.ts'
import { createChannel, publish, testSigner } from '../testing/test-node.ts'
import { openSqliteStore } from './sqlite.ts'
import { channel, ids, message, self } from './testing/samples.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dred-backup-'))
})
afterEach(() => rm(directory, { recursive: true }))

const everything = { limit: 100_000 }

it('writes a whole database while it is written to', async () => {
  const store = await openSqliteStore({ path: join(directory, 'dred.db') })
  await store.append(channel, self, 1)
  const entries = Array.from({ length: 3_000 }, (_, i) => message(channel.id, `${i} ${'x'.repeat(1_000)}`))
  await Promise.all(entries.slice(0, 1_500).map((entry) => store.append(entry, self, 1)))
  let writing = true
  const write = async (): Promise<void> => {
    for (const entry of entries.slice(1_500)) if (writing) await store.append(entry, self, 1)
  }
  const written = write()
  const path = await store.backup?.('backup.db')
  writing = false
  await written
  expect(path).toBe(join(directory, 'backup.db'))
  await expect(store.backup?.('backup.db')).rejects.toMatchObject({ code: 'malformed_request' })
  const original = ids(await store.readForward(channel.id, new VersionVector(), everything))
  await store.close()

  const file = new DatabaseSync(path ?? '')
  expect(file.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
  file.close()
  const copy = await openSqliteStore({ path: path ?? '' })
  const copied = ids(await copy.readForward(channel.id, new VersionVector(), everything))
  expect(copied.length).toBeGreaterThanOrEqual(1_500)
  expect(copied).toEqual(original.slice(0, copied.length))
  expect((await copy.account()).messages).toBe(copied.length)
  await copy.close()
})

it('begins at whatever moment of a write', async () => {
  const store = await openSqliteStore({ path: join(directory, 'dred.db') })
  await store.append(channel, self, 1)
  let [writing, count] = [true, 0]
  const write = async (): Promise<void> => {
    while (writing) await Promise.all(Array.from({ length: 50 }, () => store.append(message(channel.id, `${count++}`), self, 1)))
  }
  const written = write()
  const paths = []
  for (let i = 0; i < 20; i++) paths.push(await store.backup?.(`backup-${i}.db`))
  writing = false
  await written
  expect(new Set(paths).size).toBe(20)
  expect((await store.account()).messages).toBe(count)
  await store.close()
})

it('an old backup gets what it lacks from the peers, and no coordinate is given twice', async () => {
  const path = join(directory, 'dred.db')
  const nodes = await Nodes.start(2, { open: (id) => openSqliteStore({ path: id === 1 ? path : ':memory:' }) })
  try {
    const signer = await testSigner()
    const channel = await createChannel(nodes.url(1), signer)
    const coordinates = new Map<string, string>()
    const say = async (text: string): Promise<void> => {
      const { status, body } = await publish(nodes.url(1), channel, { signer, message: text })
      expect(status).toBe(201)
      const { server, incarnation, n } = body['receipt'] as Record<string, number>
      const coordinate = `${server}-${incarnation}-${n}`
      expect(coordinates.has(coordinate)).toBe(false)
      coordinates.set(coordinate, String(body['id']))
    }
    for (let i = 0; i < 5; i++) await say(`before ${i}`)
    const backup = await nodes.store(1).backup?.('backup.db')
    for (let i = 0; i < 5; i++) await say(`after ${i}`)
    const read = async (id: number): Promise<string[]> => ids(await nodes.store(id).readForward(channel, new VersionVector(), everything))
    await expect.poll(() => read(2)).toHaveLength(10)

    await nodes.replaceStore(1, async () => {
      await rm(`${path}-wal`, { force: true })
      await rename(backup ?? '', path)
      return openSqliteStore({ path })
    })
    expect(await read(1)).toHaveLength(5)
    for (let i = 0; i < 3; i++) await say(`restored ${i}`)
    nodes.join()
    for (let i = 3; i < 5; i++) await say(`restored ${i}`)
    await expect.poll(async () => (await read(1)).sort(), { timeout: 10_000 }).toEqual([...coordinates.values()].sort())
    await expect.poll(async () => (await read(2)).sort(), { timeout: 10_000 }).toEqual([...coordinates.values()].sort())
  } finally {
    await nodes.close()
  }
}, 30_000)
