import { expect, test } from 'vitest'
import { type Mark, readSnapshot } from './snapshot.ts'

const hash = (number: number) => `0x${number.toString(16).padStart(64, '0')}` as const

const mark = (head: number | null, committed: number, backfilled = true): Mark => ({
  backfilled,
  committed,
  head: head === null ? null : { number: head, hash: hash(head), timestamp: 1_000 + head },
  startHash: hash(1),
  at: 2_000,
  lastExpiry: 1_999,
})

const starting = expect.objectContaining({ code: 'indexer_starting' })

test('gives rows with the block they belong to', async () => {
  const snapshot = await readSnapshot(async () => ({ mark: mark(7, 7), rows: ['row'] }))
  expect(snapshot).toEqual({
    rows: ['row'],
    block: { number: 7, hash: hash(7), timestamp: 1_007 },
    startHash: hash(1),
    at: 2_000,
    lastExpiry: 1_999,
  })
})

test('reads again while a block is being written or reverted', async () => {
  const readings = [
    { mark: mark(8, 7), rows: ['half of 8'] },
    { mark: mark(6, 7), rows: ['reverted'] },
    { mark: mark(8, 8), rows: ['all of 8'] },
  ]
  const snapshot = await readSnapshot(async () => readings.shift() ?? { mark: null, rows: [] })
  expect(snapshot).toMatchObject({ rows: ['all of 8'], block: { number: 8 } })
})

test('gives up on a database that is never quiet', async () => {
  await expect(readSnapshot(async () => ({ mark: mark(8, 7), rows: [] }))).rejects.toEqual(starting)
})

test.each([
  ['there are no tables yet', null],
  ['the backfill runs', mark(7, 7, false)],
  ['the tip was not reached', mark(null, 7)],
])('refuses at once when %s', async (_, found) => {
  let readings = 0
  const reading = readSnapshot(async () => {
    readings++
    return { mark: found, rows: [] }
  })
  await expect(reading).rejects.toEqual(starting)
  expect(readings).toBe(1)
})
