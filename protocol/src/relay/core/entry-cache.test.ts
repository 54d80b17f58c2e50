import { expect, test } from 'vitest'
import { sizeOf } from './coordinates.ts'
import { EntryCache } from './entry-cache.ts'
import { message } from './testing/network.ts'

const entries = Array.from(
  { length: 40 },
  (_, index) => message({ server: 1, incarnation: 1, n: 101 + index }, { sentAt: 0, clock: 0 }).entry,
)
const [first] = entries
const bytes = first ? sizeOf(first) : 0

function kept(cache: EntryCache): number[] {
  return entries.map(({ coordinate: { n } }) => n).filter((n) => cache.get(`1-1-${n}`))
}

test('the latest entries that fit are kept', () => {
  const cache = new EntryCache(3 * bytes)
  for (const [index, entry] of entries.entries()) {
    cache.add(entry)
    cache.add(entry)
    expect(kept(cache)).toEqual([101, 102, 103].map((n) => n + Math.max(0, index - 2)).slice(0, index + 1))
  }
})

test('what was forgotten can be kept again, as the latest', () => {
  const cache = new EntryCache(2 * bytes)
  for (const entry of entries.slice(0, 3)) cache.add(entry)
  for (const entry of entries.slice(0, 1)) cache.add(entry)
  expect(kept(cache)).toEqual([101, 103])
})

test('what does not fit at all is not kept, nor in the way of others', () => {
  const cache = new EntryCache(2 * bytes)
  cache.add(message({ server: 1, incarnation: 1, n: 1 }, { sentAt: 0, clock: 0, bytes: 3 * bytes }).entry)
  for (const entry of entries.slice(0, 3)) cache.add(entry)
  expect(kept(cache)).toEqual([102, 103])
  cache.add(message({ server: 1, incarnation: 1, n: 2 }, { sentAt: 0, clock: 0, bytes: 3 * bytes }).entry)
  expect(kept(cache)).toEqual([])
  expect(cache.get('1-1-1')).toBeUndefined()
})
