interface Ways {
  linked(from: number, to: number): boolean
  latencyMs(from: number, to: number): number
}

/** Milliseconds of the shortest way from one server to each other one that it reaches over present links (Dijkstra). */
export function shortestWays(from: number, ids: readonly number[], ways: Ways): ReadonlyMap<number, number> {
  const reached = new Map<number, number>()
  const open = new Map([[from, 0]])
  while (open.size > 0) {
    let nearest = { id: 0, ms: Number.POSITIVE_INFINITY }
    for (const [id, ms] of open) if (ms < nearest.ms) nearest = { id, ms }
    open.delete(nearest.id)
    reached.set(nearest.id, nearest.ms)
    for (const id of ids) {
      if (reached.has(id) || !ways.linked(nearest.id, id)) continue
      const ms = nearest.ms + ways.latencyMs(nearest.id, id)
      if (ms < (open.get(id) ?? Number.POSITIVE_INFINITY)) open.set(id, ms)
    }
  }
  return reached
}
