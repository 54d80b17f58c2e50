import { get, set, update } from 'idb-keyval'

/** Where the client keeps its device key and the servers it knew last. Values are structured-cloneable, CryptoKeys among them. */
export interface Storage {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown): Promise<void>
  /** Stores `value` unless there is one, atomically. @returns what is stored then */
  setIfAbsent(key: string, value: unknown): Promise<unknown>
}

/** Lives as long as the object: what Node gets unless told otherwise, and a way to give one browser tab its own device key. */
export function memoryStorage(): Storage {
  const values = new Map<string, unknown>()
  return {
    get: (key) => Promise.resolve(values.get(key)),
    set: (key, value) => {
      values.set(key, value)
      return Promise.resolve()
    },
    setIfAbsent: (key, value) => {
      if (!values.has(key)) values.set(key, value)
      return Promise.resolve(values.get(key))
    },
  }
}

/** IndexedDB: shared by the tabs of one origin, keeps non-extractable keys. */
export function indexedDbStorage(): Storage {
  return {
    get: (key) => get(key),
    set: (key, value) => set(key, value),
    setIfAbsent: async (key, value) => {
      let stored = value
      await update(key, (existing: unknown) => {
        stored = existing ?? value
        return stored
      })
      return stored
    },
  }
}

export function defaultStorage(): Storage {
  return typeof indexedDB === 'undefined' ? memoryStorage() : indexedDbStorage()
}
