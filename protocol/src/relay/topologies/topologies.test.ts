import { expect, test } from 'vitest'
import { Random } from '../../testing/random.ts'
import { ring, spt, star, topologies } from './index.ts'
import type { RoutingView, Topology } from './topology.ts'

/** One-way milliseconds between and, in the diagonal, within six regions. */
const regions = [
  [4, 33, 42, 95, 60, 100],
  [33, 4, 70, 75, 90, 70],
  [42, 70, 5, 85, 95, 125],
  [95, 75, 85, 5, 150, 50],
  [60, 90, 95, 150, 5, 155],
  [100, 70, 125, 50, 155, 4],
]

interface Network extends RoutingView {
  ids: readonly number[]
  self: number
  cover: readonly number[]
}

/** Six regions, 5 % slow and 3 % dead links, ids with gaps; `leaves`: the share of the servers that do not pass on. */
function network(size: number, seed: number, leaves = 0): Network {
  const random = new Random(seed * 1_000 + size)
  const ids: number[] = []
  for (let id = 1; ids.length < size; id += 1 + random.below(2)) ids.push(id)
  const region = ids.map(() => random.below(6))
  const leaf = new Set(ids.filter(() => random.chance(leaves)))
  const links = new Map<string, number>()
  for (const [i, a] of ids.entries())
    for (const [j, b] of ids.entries()) {
      if (j <= i || random.chance(0.03)) continue
      const base = regions[region[i] ?? 0]?.[region[j] ?? 0] ?? 0
      const oneWay = base * random.between(0.8, 1.2) * (random.chance(0.05) ? 4 : 1)
      links.set(`${a} ${b}`, oneWay).set(`${b} ${a}`, oneWay * random.between(0.95, 1.05))
    }
  const self = ids[random.below(size)] ?? 0
  return {
    ids,
    self,
    cover: ids.filter((id) => id !== self),
    latencyMs: (from, to) => links.get(`${from} ${to}`),
    relays: (server) => !leaf.has(server),
  }
}

/** What happens when each server on the way routes its own sub-cover: who was sent to, after how many ms, by how many children. */
function relayed(topology: Topology, net: Network) {
  const delayMs = new Map<number, number>()
  const children = new Map<number, number>()
  const received: number[] = []
  const unreachable: number[] = []
  const hop = (self: number, cover: readonly number[], startMs: number): void => {
    const route = topology.route(self, cover, net)
    unreachable.push(...route.unreachable)
    children.set(self, route.parts.length)
    for (const [peer, subCover] of route.parts) {
      received.push(peer)
      const at = startMs + (net.latencyMs(self, peer) ?? Number.NaN)
      delayMs.set(peer, at)
      if (subCover.length > 0) hop(peer, subCover, at)
    }
  }
  hop(net.self, net.cover, 0)
  return { delayMs, children, received: ascending(received), unreachable: ascending(unreachable) }
}

/** Floyd–Warshall, of which only the servers that pass on are between. */
function shortest(net: Network): Map<number, number> {
  const { ids, self } = net
  const distance = ids.map((a) => ids.map((b) => (a === b ? 0 : (net.latencyMs(a, b) ?? Number.POSITIVE_INFINITY))))
  for (const [via, id] of ids.entries()) {
    if (id !== self && !net.relays(id)) continue
    for (const row of distance)
      for (const [to, ms] of (distance[via] ?? []).entries()) row[to] = Math.min(row[to] ?? 0, (row[via] ?? 0) + ms)
  }
  return new Map(ids.map((id, index) => [id, distance[ids.indexOf(self)]?.[index] ?? Number.NaN]))
}

const ascending = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b)
const median = (values: readonly number[]): number => ascending(values)[Math.floor(values.length / 2)] ?? Number.NaN

/** Mean over the servers of how much longer the way is than the shortest. */
function stretch(net: Network, delayMs: ReadonlyMap<number, number>): number {
  const best = shortest(net)
  const stretches = net.cover.map((id) => (delayMs.get(id) ?? Number.NaN) / (best.get(id) ?? Number.NaN))
  return stretches.reduce((sum, value) => sum + value, 0) / stretches.length
}

const sizes = [3, 4, 5, 7, 10, 16, 25, 32, 33, 50, 64, 100]
const seeds = [1, 2, 3, 4, 5, 6, 7]
const networks = [0, 0.2].flatMap((leaves) => sizes.flatMap((size) => seeds.map((seed) => network(size, seed, leaves))))

for (const topology of Object.values(topologies)) {
  test(`${topology.name}: covers are disjoint, ascending, without the sender, and with the unreachable servers complete`, () => {
    for (const net of networks) {
      const { parts, unreachable } = topology.route(net.self, net.cover, net)
      for (const [, subCover] of parts) expect(subCover).toEqual(ascending(subCover))
      expect(ascending([...parts.flatMap(([peer, subCover]) => [peer, ...subCover]), ...unreachable])).toEqual(net.cover)
    }
  })

  test(`${topology.name}: each server is sent a message once, over links that there are`, () => {
    for (const net of networks) {
      const { delayMs, received, unreachable } = relayed(topology, net)
      expect(ascending([...received, ...unreachable])).toEqual(net.cover)
      for (const ms of delayMs.values()) expect(ms).not.toBeNaN()
    }
  })

  test(`${topology.name}: the delay of a server is that of its sender and the link`, () => {
    for (const net of networks) {
      const { delayMs, parent, unreachable } = topology.route(net.self, net.cover, net)
      expect(ascending([...delayMs.keys(), ...unreachable])).toEqual(net.cover)
      expect([...parent.keys()]).toEqual([...delayMs.keys()])
      for (const [id, sender] of parent) {
        const link = net.latencyMs(sender, id) ?? Number.NaN
        expect(delayMs.get(id)).toBeCloseTo((sender === net.self ? 0 : (delayMs.get(sender) ?? Number.NaN)) + link, 6)
      }
    }
  })

  test(`${topology.name}: who does not pass on is given nobody to serve`, () => {
    for (const net of networks) {
      const { parts } = topology.route(net.self, net.cover, net)
      expect(parts.filter(([peer, subCover]) => !net.relays(peer) && subCover.length > 0)).toEqual([])
    }
  })

  test(`${topology.name}: what nobody is linked to is unreachable`, () => {
    const net = network(10, 1)
    const lost = net.cover[4] ?? 0
    const cut: RoutingView = { ...net, latencyMs: (from, to) => (from === lost || to === lost ? undefined : net.latencyMs(from, to)) }
    const { parts, unreachable } = topology.route(net.self, net.cover, cut)
    expect(unreachable).toContain(lost)
    expect(parts.flat(2)).not.toContain(lost)
    expect(topology.route(net.self, [], net)).toEqual({ parts: [], delayMs: new Map(), parent: new Map(), unreachable: [] })
  })
}

test('spt: reaches whoever can be reached', () => {
  for (const net of networks) {
    const best = shortest(net)
    expect(spt.route(net.self, net.cover, net).unreachable).toEqual(net.cover.filter((id) => !Number.isFinite(best.get(id))))
  }
})

test('ring: with hardly a link missing reaches all but a server at most', () => {
  for (const net of networks) expect(ring.route(net.self, net.cover, net).unreachable.length).toBeLessThanOrEqual(1)
})

test('spt: the ways are the shortest up to 32 servers and hardly longer above', () => {
  for (const size of sizes) {
    const stretches = seeds.map((seed) => network(size, seed)).map((net) => stretch(net, relayed(spt, net).delayMs))
    expect(median(stretches), `${size} servers`).toBeLessThanOrEqual(size <= 32 ? 1.02 : 1.1)
  }
})

test('spt: a server that routes its sub-cover keeps to what was planned for it', () => {
  for (const net of networks) {
    const planned = spt.route(net.self, net.cover, net).delayMs
    const { delayMs } = relayed(spt, net)
    const sum = (delays: ReadonlyMap<number, number>): number => [...delays.values()].reduce((total, ms) => total + ms, 0)
    expect(sum(delayMs)).toBeLessThanOrEqual(sum(planned) * 1.02)
  }
})

test('ring: a server that splits its arc does it as planned', () => {
  for (const net of networks) {
    const planned = ring.route(net.self, net.cover, net)
    expect(relayed(ring, net).received).toEqual(ascending([...planned.delayMs.keys()]))
    for (const [id, ms] of relayed(ring, net).delayMs) expect(ms).toBeCloseTo(planned.delayMs.get(id) ?? Number.NaN, 6)
  }
})

test('spt: in a cover of up to 32 servers a server may send to all', () => {
  const near: RoutingView = { latencyMs: () => 20, relays: () => true }
  const cover = Array.from({ length: 31 }, (_, index) => index + 2)
  expect(spt.route(1, cover, near).parts).toEqual(cover.map((id) => [id, []]))
  expect(spt.route(1, [...cover, 33], near).parts).toHaveLength(8)
})

test('spt: in a cover of more than 32 servers a server has at most 8 children', () => {
  for (const net of networks.filter(({ ids }) => ids.length > 32)) {
    const { parent, parts } = spt.route(net.self, net.cover, net)
    expect(parts.length).toBeLessThanOrEqual(8)
    for (const id of net.ids) expect([...parent.values()].filter((sender) => sender === id).length).toBeLessThanOrEqual(8)
  }
})

test('spt: a server has more than 8 children where some could not be reached otherwise', () => {
  const net = network(50, 1)
  const own: RoutingView = { ...net, latencyMs: (from, to) => (from === net.self || to === net.self ? 20 : undefined) }
  expect(spt.route(net.self, net.cover, own).parts).toEqual(net.cover.map((id) => [id, []]))
  const leaves: RoutingView = { latencyMs: () => 20, relays: (id) => id === 7 }
  const cover = Array.from({ length: 50 }, (_, index) => index + 2)
  const { parts, unreachable } = spt.route(1, cover, leaves)
  expect(unreachable).toEqual([])
  expect(parts.flat(2)).toHaveLength(50)
})

test('spt: of ways that take as long within a millisecond the one with fewer hops, then the one over the lower id', () => {
  const view: RoutingView = {
    latencyMs: (from, to) => (from !== 1 ? to - from - 0.25 : to === 5 ? undefined : to - 0.5),
    relays: () => true,
  }
  const { parts, delayMs } = spt.route(1, [2, 3, 4, 5], view)
  expect(parts).toEqual([
    [2, [5]],
    [3, []],
    [4, []],
  ])
  expect([...delayMs.values()]).toEqual([1.5, 2.5, 3.5, 4.25])
})

test('ring: successor and skip link each serve an arc that begins behind them', () => {
  const full: RoutingView = { latencyMs: () => 10, relays: () => true }
  const { parts, delayMs } = ring.route(4, [1, 2, 3, 5, 6, 7, 8], full)
  expect(parts).toEqual([
    [1, [2, 3]],
    [5, [6, 7, 8]],
  ])
  expect(Math.max(...delayMs.values())).toBe(30)
  const broken: RoutingView = { latencyMs: (from, to) => (from + to === 9 ? undefined : 10), relays: (id) => id !== 1 }
  expect(ring.route(4, [1, 2, 3, 5, 6, 7, 8], broken).parts).toEqual([
    [2, [3]],
    [6, [1, 5, 7, 8]],
  ])
  expect(ring.comesHome).toBe(true)
})

test('star: sends to all that it is linked to', () => {
  const net = network(10, 1)
  const { parts, unreachable } = star.route(net.self, net.cover, net)
  const linked = net.cover.filter((id) => net.latencyMs(net.self, id) !== undefined)
  expect(parts).toEqual(linked.map((id) => [id, []]))
  expect(unreachable).toEqual(net.cover.filter((id) => !linked.includes(id)))
})
