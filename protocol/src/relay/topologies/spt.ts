import type { Route, RoutingView, Topology } from './topology.ts'
import { routeOf, type Tree } from './tree.ts'

/** Each hop costs something besides the link; of ways that take as long the one with fewer hops wins. */
const hopMs = 1
/** In a cover of up to this many servers, the sender counted, a server may have any number of children. */
const uncappedServers = 32
/** In a larger one this many, unless some servers could not be reached at all then. */
const maxChildren = 8

/**
 * The tree of shortest ways, grown from `self` in the order of distance (Dijkstra). Where the number of children is capped, each
 * server is attached to the best parent that has a place left, which keeps the mean delay near that of the shortest ways.
 */
export const spt: Topology = {
  name: 'spt',
  comesHome: false,
  route(self, cover, view): Route {
    return routeOf(self, cover, new Growth(self, cover, view).grow())
  },
}

/** A tree that grows. Servers go by their index in the cover, the root by the one after the last. */
class Growth implements Tree {
  readonly #ids: readonly number[]
  readonly #view: RoutingView
  readonly #maxChildren: number
  /** Row by row, what the links cost of the servers in the tree that may have children. */
  readonly #costs: Float64Array
  readonly #children: Uint16Array
  /** Servers in the tree that may have children: those with a place left, and those without. */
  #open: number[] = []
  #full: number[] = []
  /** Servers that are not in the tree yet, ascending. */
  readonly #rest: number[]
  /** What the best way costs that is known, with `parent` as its last hop. */
  readonly #distance: Float64Array
  readonly parent: Int16Array
  readonly delayMs: Float64Array

  constructor(self: number, cover: readonly number[], view: RoutingView) {
    const size = cover.length + 1
    this.#ids = [...cover, self]
    this.#view = view
    this.#maxChildren = size > uncappedServers ? maxChildren : size
    this.#costs = new Float64Array(size * size)
    this.#children = new Uint16Array(size)
    this.#rest = cover.map((_, index) => index)
    this.#distance = new Float64Array(size).fill(Number.POSITIVE_INFINITY)
    this.parent = new Int16Array(size).fill(-1)
    this.delayMs = new Float64Array(size)
  }

  grow(): Tree {
    const root = this.#ids.length - 1
    this.#distance[root] = 0
    this.#offer(root)
    for (let next = this.#takeNearest(); next !== undefined; next = this.#takeNearest()) {
      this.#attach(next)
      if (this.#view.relays(this.#ids[next] ?? -1)) this.#offer(next)
    }
    return this
  }

  /** Takes the nearest server out of the rest; of equals the one with the lowest id. */
  #takeNearest(): number | undefined {
    let position = this.#nearest()
    if (position < 0 && this.#full.length > 0) {
      // Those left over are linked to servers without a place only: then these get more children.
      for (const parent of this.#full) this.#relax(parent)
      position = this.#nearest()
    }
    return position < 0 ? undefined : this.#rest.splice(position, 1)[0]
  }

  #nearest(): number {
    let best = Number.POSITIVE_INFINITY
    let found = -1
    for (let position = 0; position < this.#rest.length; position++) {
      const distance = this.#distance[this.#rest[position] ?? -1] ?? best
      if (distance >= best) continue
      best = distance
      found = position
    }
    return found
  }

  #attach(index: number): void {
    const parent = this.parent[index] ?? -1
    const cost = (this.#distance[index] ?? 0) - (this.#distance[parent] ?? 0)
    this.delayMs[index] = (this.delayMs[parent] ?? 0) + cost - hopMs
    const children = (this.#children[parent] ?? 0) + 1
    this.#children[parent] = children
    if (children < this.#maxChildren) return
    if (children === this.#maxChildren) {
      this.#open = this.#open.filter((other) => other !== parent)
      this.#full.push(parent)
    }
    this.#withdrawFull()
  }

  /** Makes a server of the tree a possible parent. */
  #offer(index: number): void {
    const from = this.#ids[index] ?? -1
    const row = index * this.#ids.length
    for (const child of this.#rest) {
      const latency = this.#view.latencyMs(from, this.#ids[child] ?? -1)
      this.#costs[row + child] = latency === undefined ? Number.POSITIVE_INFINITY : latency + hopMs
    }
    this.#open.push(index)
    this.#relax(index)
  }

  #relax(parent: number): void {
    const row = parent * this.#ids.length
    const start = this.#distance[parent] ?? 0
    for (const child of this.#rest) {
      const distance = start + (this.#costs[row + child] ?? 0)
      if (distance >= (this.#distance[child] ?? 0)) continue
      this.#distance[child] = distance
      this.parent[child] = parent
    }
  }

  /** Those that a server without a place was the best parent of have to look for another. */
  #withdrawFull(): void {
    for (const child of this.#rest) {
      if ((this.#children[this.parent[child] ?? -1] ?? 0) < this.#maxChildren) continue
      this.parent[child] = -1
      this.#distance[child] = Number.POSITIVE_INFINITY
    }
    for (const parent of this.#open) this.#relax(parent)
  }
}
