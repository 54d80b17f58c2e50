import { setImmediate as turn } from 'node:timers/promises'
import type { Random } from '@dred/protocol/testing/random'
import type { Entry, Place, Store } from '../store/port.ts'

/**
 * A store as it may be behind a network: reads take a few turns of the event loop before and after they happen, and entries are
 * announced a few turns after they can be read, in order.
 */
export function jitteryStore(store: Store, random: Random, maxTurns = 6): Store {
  const pass = async (): Promise<void> => {
    for (let turns = random.below(maxTurns); turns > 0; turns--) await turn()
  }
  const slowly =
    <A extends unknown[], R>(read: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await pass()
      const result = await read(...args)
      await pass()
      return result
    }
  const announcements: { entry: Entry; place: Place | undefined }[] = []
  const listeners = new Set<(entry: Entry, place: Place | undefined) => void>()
  let announcing: Promise<void> | undefined
  const announce = async (): Promise<void> => {
    for (let next = announcements.shift(); next; next = announcements.shift()) {
      await pass()
      for (const listener of listeners) listener(next.entry, next.place)
    }
    announcing = undefined
  }
  store.onAppended((entry, place) => {
    announcements.push({ entry, place })
    announcing ??= announce()
  })
  return {
    vector: () => store.vector(),
    floors: () => store.floors(),
    unknown: slowly((...args) => store.unknown(...args)),
    append: slowly((...args) => store.append(...args)),
    replicate: slowly((...args) => store.replicate(...args)),
    readOrigin: (...args) => store.readOrigin(...args),
    channel: slowly((...args) => store.channel(...args)),
    channels: (...args) => store.channels(...args),
    readForward: slowly((...args) => store.readForward(...args)),
    readBackward: slowly((...args) => store.readBackward(...args)),
    ahead: slowly((...args) => store.ahead(...args)),
    controls: slowly((...args) => store.controls(...args)),
    purged: slowly((...args) => store.purged(...args)),
    notices: store.notices,
    onAppended: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    onReconnected: (listener) => store.onReconnected(listener),
    purge: (now) => store.purge(now),
    cut: (caps, now) => store.cut(caps, now),
    account: () => store.account(),
    size: () => store.size(),
    ping: () => store.ping(),
    close: () => store.close(),
  }
}
