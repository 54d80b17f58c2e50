import type { Bus } from '../processes/bus.ts'

/** Joins processes of a server that are played in one: what one publishes the others hear, later in the same turn. */
export function memoryBus(): { join(): Bus } {
  const members = new Set<Map<string, Set<(text: string) => void>>>()
  return {
    join() {
      const own = new Map<string, Set<(text: string) => void>>()
      members.add(own)
      return {
        publish(topic, text) {
          queueMicrotask(() => {
            for (const other of members) if (other !== own) for (const listener of other.get(topic) ?? []) listener(text)
          })
        },
        subscribe(topic, listener) {
          const listeners = own.get(topic) ?? new Set()
          own.set(topic, listeners.add(listener))
          return () => listeners.delete(listener)
        },
      }
    },
  }
}
