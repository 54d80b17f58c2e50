import type { Topology } from './topology.ts'

/** Each server sends to all others itself. */
export const star: Topology = {
  name: 'star',
  comesHome: false,
  route(self, cover, view) {
    const parts: [number, number[]][] = []
    const delayMs = new Map<number, number>()
    const parent = new Map<number, number>()
    const unreachable: number[] = []
    for (const id of cover) {
      const latency = view.latencyMs(self, id)
      if (latency === undefined) {
        unreachable.push(id)
        continue
      }
      parts.push([id, []])
      delayMs.set(id, latency)
      parent.set(id, self)
    }
    return { parts, delayMs, parent, unreachable }
  },
}
