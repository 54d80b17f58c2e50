import { DredError } from '@dred/protocol'
import type { Entry, Place, Store } from '../store/port.ts'
import { openSqliteStore } from '../store/sqlite.ts'

/** A store that can be out of reach, and come back without its tail. */
export interface LossyStore extends Store {
  /** From now on every call fails. */
  goAway(): void
  /** Comes back with the first `kept` entries of what it held, in the order in which they were logged. */
  comeBack(kept: number): Promise<void>
}

export async function openLossyStore(): Promise<LossyStore> {
  let current = await openSqliteStore({ path: ':memory:' })
  let away = false
  const log: Entry[] = []
  const appended = new Set<(entry: Entry, place: Place | undefined) => void>()
  const reconnected = new Set<() => void>()
  const follow = (store: Store): (() => void) =>
    store.onAppended((entry, place) => {
      log.push(entry)
      for (const listener of appended) listener(entry, place)
    })
  let unfollow = follow(current)
  const reach = (): Store => {
    if (away) throw new DredError('store_unavailable')
    return current
  }
  return {
    vector: async () => reach().vector(),
    floors: async () => reach().floors(),
    unknown: async (...args) => reach().unknown(...args),
    append: async (...args) => reach().append(...args),
    replicate: async (...args) => reach().replicate(...args),
    readOrigin: async (...args) => reach().readOrigin(...args),
    channel: async (...args) => reach().channel(...args),
    channels: async (...args) => reach().channels(...args),
    readForward: async (...args) => reach().readForward(...args),
    readBackward: async (...args) => reach().readBackward(...args),
    ahead: async (...args) => reach().ahead(...args),
    controls: async (...args) => reach().controls(...args),
    purged: async (...args) => reach().purged(...args),
    purge: async (...args) => reach().purge(...args),
    cut: async (...args) => reach().cut(...args),
    account: async () => reach().account(),
    size: async () => reach().size(),
    ping: async () => reach().ping(),
    close: () => current.close(),
    notices: {
      put: async (...args) => reach().notices.put(...args),
      all: async (...args) => reach().notices.all(...args),
      purge: async (...args) => reach().notices.purge(...args),
    },
    onAppended: (listener) => {
      appended.add(listener)
      return () => appended.delete(listener)
    },
    onReconnected: (listener) => {
      reconnected.add(listener)
      return () => reconnected.delete(listener)
    },
    goAway: () => {
      away = true
    },
    comeBack: async (kept) => {
      unfollow()
      await current.close()
      current = await openSqliteStore({ path: ':memory:' })
      for (const entry of log.splice(0).slice(0, kept)) {
        log.push(entry)
        await current.replicate(entry)
      }
      unfollow = follow(current)
      // As with Redis: the listeners come before the first call that gets through.
      for (const listener of reconnected) listener()
      away = false
    },
  }
}
