import { DredError } from '@dred/protocol'
import { afterEach, expect, test, vi } from 'vitest'
import { RecentEntries } from './recent-entries.ts'
import { message } from './store/testing/samples.ts'
import { Upkeep, type UpkeepOptions } from './upkeep.ts'

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
let upkeep: Upkeep
afterEach(() => upkeep.stop())

/** One whose store is out of reach as long as `down` says so; `closeExpired` is the last that a purge does. */
function start(
  leads: boolean,
  down: () => boolean,
): { recent: RecentEntries; purged: ReturnType<typeof vi.fn>; asked: ReturnType<typeof vi.fn> } {
  const recent = new RecentEntries({ count: 10, bytes: 1_000_000, ageMs: 5_000 })
  recent.add(message('C'.repeat(43), 'x'), 1_000_000)
  const purged = vi.fn<() => void>()
  const asked = vi.fn<() => Promise<number>>(async () => {
    if (down()) throw new DredError('store_unavailable')
    return 0
  })
  upkeep = new Upkeep({
    store: { ping: asked, onReconnected: () => () => undefined },
    retention: { apply: asked },
    replication: { leads: () => leads, replicator: { purged: () => undefined } },
    realtime: { hub: { closeExpired: purged } },
    recent,
    now: () => 60_000,
    log: quiet,
    purgeEveryMs: 1,
  } as unknown as UpkeepOptions)
  upkeep.start()
  return { recent, purged, asked }
}

test.each([true, false])(
  'what the store may have lost is remembered for as long as it is out of reach; the process leads: %s',
  async (leads) => {
    let down = true
    const { recent, purged, asked } = start(leads, () => down)
    await vi.waitFor(() => expect(asked.mock.calls.length).toBeGreaterThan(2))
    expect([recent.size, purged.mock.calls.length]).toEqual([1, 0])
    down = false
    await vi.waitFor(() => expect(purged).toHaveBeenCalled())
    expect(recent.size).toBe(0)
  },
)
