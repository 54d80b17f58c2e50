import type { Route } from './topology.ts'

/** How a cover is served. Servers go by their index in the cover, the root by the one after the last. */
export interface Tree {
  /** -1 for servers that are not reached, and for the root. */
  readonly parent: ArrayLike<number>
  /** One-way milliseconds from the root. */
  readonly delayMs: ArrayLike<number>
}

export function routeOf(self: number, cover: readonly number[], tree: Tree): Route {
  const root = cover.length
  const subCovers = new Map<number, number[]>()
  const delayMs = new Map<number, number>()
  const parent = new Map<number, number>()
  const unreachable: number[] = []
  for (const [index, id] of cover.entries()) {
    const sender = tree.parent[index] ?? -1
    if (sender < 0) {
      unreachable.push(id)
      continue
    }
    delayMs.set(id, tree.delayMs[index] ?? 0)
    parent.set(id, cover[sender] ?? self)
    const child = firstHop(index, tree.parent, root)
    const subCover = subCovers.get(child)
    if (!subCover) subCovers.set(child, child === index ? [] : [id])
    else if (child !== index) subCover.push(id)
  }
  const parts = [...subCovers].sort(([a], [b]) => a - b).map(([index, subCover]) => [cover[index] ?? self, subCover] as const)
  return { parts, delayMs, parent, unreachable }
}

function firstHop(index: number, parent: ArrayLike<number>, root: number): number {
  let at = index
  for (let above = parent[at] ?? root; above !== root; above = parent[at] ?? root) at = above
  return at
}
