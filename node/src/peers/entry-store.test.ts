import { DredError } from '@dred/protocol'
import type { RelayEvent } from '@dred/protocol/relay'
import { expect, it, vi } from 'vitest'
import { openSqliteStore } from '../store/sqlite.ts'
import { EntryStore } from './entry-store.ts'
import { EntryVerifier } from './wire-entry.ts'

async function entryStoreThatIsFull(times: number) {
  const inner = await openSqliteStore({ path: ':memory:' })
  const told: RelayEvent[] = []
  const failed = vi.fn<(error: unknown) => void>()
  const store = Object.assign(Object.create(inner) as typeof inner, {
    replicate: async (...args: Parameters<typeof inner.replicate>) => {
      if (times-- > 0) throw new DredError('storage_full')
      return inner.replicate(...args)
    },
  })
  const verifier = new EntryVerifier({ store, neighborhood: '1', now: Date.now })
  const entries = new EntryStore({ store, verifier, tell: (event) => told.push(event), failed, eased: () => undefined, events: undefined })
  return { entries, told, failed }
}

const gone = { kind: 'gone', coordinate: { server: 2, incarnation: 1, n: 1 }, from: 1 } as const

it('keeps an entry for a store that has no room, and stores it once there is some', async () => {
  const { entries, told, failed } = await entryStoreThatIsFull(2)
  entries.put(gone)
  expect(entries.isStoring(gone.coordinate)).toBe(true)
  await expect.poll(() => told, { timeout: 8_000 }).toEqual([{ type: 'stored', coordinate: gone.coordinate, result: 'stored' }])
  expect(failed).not.toHaveBeenCalled()
}, 10_000)

it('leaves it to its peers in the end, and does not take the store for one that has lost something', async () => {
  const { entries, told, failed } = await entryStoreThatIsFull(Number.POSITIVE_INFINITY)
  entries.put(gone)
  await expect.poll(() => told, { timeout: 8_000 }).toEqual([{ type: 'stored', coordinate: gone.coordinate, result: 'failed' }])
  expect(failed).not.toHaveBeenCalled()
}, 10_000)
