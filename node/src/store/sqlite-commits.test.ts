import { DatabaseSync } from 'node:sqlite'
import { DredError } from '@dred/protocol'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { GroupCommits } from './sqlite-commits.ts'

let db: DatabaseSync
let commits: GroupCommits
let statements: string[]

beforeEach(() => {
  db = new DatabaseSync(':memory:')
  db.exec('CREATE TABLE numbers (n INTEGER UNIQUE)')
  statements = []
  const exec = db.exec.bind(db)
  vi.spyOn(db, 'exec').mockImplementation((sql) => {
    statements.push(sql)
    exec(sql)
  })
  commits = new GroupCommits(db)
})
afterEach(() => db.close())

const insert = (n: number): number => Number(db.prepare('INSERT INTO numbers VALUES (?)').run(n).changes)
const stored = (): unknown[] =>
  db
    .prepare('SELECT n FROM numbers ORDER BY n')
    .all()
    .map(({ n }) => n)

it('commits what arrives in one turn together, in order, and settles afterwards', async () => {
  const settled: string[] = []
  const writes = [3, 1, 2].map((n) =>
    commits.run(
      () => insert(n),
      () => settled.push(`committed ${n} of ${statements.length}`),
    ),
  )
  expect(statements).toEqual([])
  expect(await Promise.all(writes)).toEqual([1, 1, 1])
  expect(statements).toEqual(['BEGIN IMMEDIATE', 'COMMIT'])
  expect(settled).toEqual(['committed 3 of 2', 'committed 1 of 2', 'committed 2 of 2'])
  await commits.run(() => insert(4))
  expect(statements).toHaveLength(4)
})

it('lets one write fail alone when it says so itself', async () => {
  const refused = commits.run(() => {
    throw new DredError('message_expired')
  })
  const kept = commits.run(() => insert(1))
  await expect(refused).rejects.toMatchObject({ code: 'message_expired' })
  expect(await kept).toBe(1)
  expect(stored()).toEqual([1])
})

it('takes all back when the database fails, and goes on', async () => {
  const announced = vi.fn<() => void>()
  const writes = [1, 2, 2].map((n) => commits.run(() => insert(n), announced))
  const outcomes = await Promise.allSettled(writes)
  expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual([1, 2, 3].map(() => 'store_unavailable'))
  expect(stored()).toEqual([])
  expect(announced).not.toHaveBeenCalled()
  expect(await commits.run(() => insert(2))).toBe(1)
})

it('rejects when the disk is full and works again when it is not', async () => {
  db.exec('CREATE TABLE blobs (data BLOB)')
  const fill = (): unknown => db.exec('INSERT INTO blobs VALUES (zeroblob(100000))')
  db.exec('PRAGMA max_page_count = 10')
  await expect(commits.run(fill)).rejects.toMatchObject({ code: 'storage_full' })
  db.exec('PRAGMA max_page_count = 1000')
  await expect(commits.run(fill)).resolves.toBeUndefined()
})

it('commits what is waiting when it is closed, and then takes no more', async () => {
  const waiting = commits.run(() => insert(1))
  commits.close()
  expect(stored()).toEqual([1])
  expect(await waiting).toBe(1)
  await expect(commits.run(() => insert(2))).rejects.toMatchObject({ code: 'store_unavailable' })
})
