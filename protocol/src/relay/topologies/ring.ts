import type { Route, RoutingView, Topology } from './topology.ts'
import { routeOf, type Tree } from './tree.ts'

/**
 * The servers in a ring, ascending by id. Each sends to its successor, which serves the first half of the cover's arc, and
 * along a skip link to the server in the middle, which serves the second half. A successor to which there is no link, or that
 * does not pass on, is stepped over and served by the one after it.
 */
export const ring: Topology = {
  name: 'ring',
  comesHome: true,
  route(self, cover, view): Route {
    return routeOf(self, cover, new Arcs(self, cover, view).walk())
  },
}

class Arcs implements Tree {
  readonly #ids: readonly number[]
  readonly #view: RoutingView
  readonly parent: Int16Array
  readonly delayMs: Float64Array

  constructor(self: number, cover: readonly number[], view: RoutingView) {
    this.#ids = [...cover, self]
    this.#view = view
    this.parent = new Int16Array(cover.length + 1).fill(-1)
    this.delayMs = new Float64Array(cover.length + 1)
  }

  walk(): Tree {
    const root = this.#ids.length - 1
    for (const index of this.#serve(root, [...this.#ids.keys()].slice(0, root))) this.parent[index] = -1
    return this
  }

  /** @returns those of the arc to which no way is known */
  #serve(server: number, arc: readonly number[]): number[] {
    const left = this.#split(server, arc)
    const linked = left.filter((index) => this.#latency(server, index) !== undefined)
    if (linked.length === 0) return left
    // Who is left over further on is sent to from here, so that each server splits its arc as it was split for it.
    for (const index of linked) this.#attach(server, index)
    return this.#serve(
      server,
      arc.filter((index) => !linked.includes(index)),
    )
  }

  #split(server: number, arc: readonly number[]): number[] {
    const after = arc.findIndex((index) => this.#id(index) > this.#id(server))
    const way = after > 0 ? [...arc.slice(after), ...arc.slice(0, after)] : arc
    const heads = way.filter((index) => this.#latency(server, index) !== undefined && this.#view.relays(this.#id(index)))
    const [successor] = heads
    if (successor === undefined) return [...arc]
    const first = way.indexOf(successor)
    const middle = first + Math.ceil((way.length - first) / 2)
    const skip = heads.find((index) => way.indexOf(index) >= middle)
    if (skip === undefined) return this.#pass(server, successor, way)
    const cut = way.indexOf(skip)
    return [...this.#pass(server, successor, way.slice(0, cut)), ...this.#pass(server, skip, way.slice(cut))]
  }

  #pass(server: number, head: number, arc: readonly number[]): number[] {
    this.#attach(server, head)
    const rest = arc.filter((index) => index !== head).sort((a, b) => a - b)
    return rest.length > 0 ? this.#serve(head, rest) : []
  }

  #attach(server: number, index: number): void {
    this.parent[index] = server
    this.delayMs[index] = (this.delayMs[server] ?? 0) + (this.#latency(server, index) ?? 0)
  }

  #latency(server: number, index: number): number | undefined {
    return this.#view.latencyMs(this.#id(server), this.#id(index))
  }

  #id(index: number): number {
    return this.#ids[index] ?? -1
  }
}
