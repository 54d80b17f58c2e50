import { DredError } from '@dred/protocol'
import { expect, test } from 'vitest'
import { RecentEntries } from './recent-entries.ts'
import type { NewEntry, Store } from './store/port.ts'
import { message } from './store/testing/samples.ts'

const self = { server: 1, incarnation: 2 }
const CHANNEL = 'C'.repeat(43)
const bounds = { count: 3, bytes: 1_000_000, ageMs: 5_000 }

/** A store that notes what it is offered. `known` it had kept. */
function offered(known: string[] = [], fail?: (entry: NewEntry) => DredError | undefined): { store: Store; ids: string[] } {
  const ids: string[] = []
  const append: Store['append'] = async (entry, from, clock) => {
    const error = fail?.(entry)
    if (error) throw error
    ids.push(entry.id)
    return { created: !known.includes(entry.id), coordinate: { ...from, n: ids.length }, clock }
  }
  return { store: { append } as Store, ids }
}

const entries = Array.from({ length: 10 }, (_, i) => message(CHANNEL, String(i)))
const ids = entries.map(({ id }) => id)

function filled(count: number, limits = bounds): RecentEntries {
  const recent = new RecentEntries(limits)
  for (const [i, entry] of entries.slice(0, count).entries()) recent.add(entry, (1_000 + i) * 1_000)
  return recent
}

test('offers everything again in order and tells how much was lost', async () => {
  const { store, ids: got } = offered([ids[0] ?? ''])
  expect(await filled(3).offer(store, () => self)).toBe(2)
  expect(got).toEqual(ids.slice(0, 3))
})

test('keeps the newest within its bounds of count, size and age', () => {
  const byCount = filled(6)
  byCount.trim(1_000)
  expect(byCount.size).toBe(3)
  const byAge = filled(3)
  byAge.trim(6_002)
  expect(byAge.size).toBe(1)
  byAge.trim(6_003)
  expect(byAge.size).toBe(0)
  const size = entries[0]?.canonical.length ?? 0
  const bySize = filled(3, { ...bounds, bytes: 2 * size })
  bySize.trim(1_000)
  expect(bySize.size).toBe(2)
})

test('does not grow without bound between trims', () => {
  expect(filled(10).size).toBeLessThanOrEqual(2 * bounds.count)
})

test('holds everything until the store has taken it all', async () => {
  const recent = filled(3)
  recent.hold()
  let down = true
  const { store, ids: got } = offered([], ({ id }) => (down && id === ids[1] ? new DredError('store_unavailable') : undefined))
  await expect(recent.offer(store, () => self)).rejects.toMatchObject({ code: 'store_unavailable' })
  recent.trim(60_000)
  expect(recent.size).toBe(3)
  down = false
  await recent.offer(store, () => self)
  expect(got).toEqual([ids[0], ids[2], ...ids.slice(0, 3)])
  recent.trim(60_000)
  expect(recent.size).toBe(0)
})

test('holds everything for a store that came back once more while it took it', async () => {
  const recent = filled(3)
  recent.hold()
  const { store } = offered([], () => {
    recent.hold()
    return undefined
  })
  await recent.offer(store, () => self)
  recent.trim(60_000)
  expect(recent.size).toBe(3)
  await recent.offer(offered().store, () => self)
  recent.trim(60_000)
  expect(recent.size).toBe(0)
})

test('leaves out what has expired in the meantime', async () => {
  const { store, ids: got } = offered([], ({ id }) => (id === ids[1] ? new DredError('message_expired') : undefined))
  expect(await filled(3).offer(store, () => self)).toBe(2)
  expect(got).toEqual([ids[0], ids[2]])
})
