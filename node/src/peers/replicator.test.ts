import { DredError } from '@dred/protocol'
import { topologies } from '@dred/protocol/relay'
import { Random } from '@dred/protocol/testing/random'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Store } from '../store/port.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { eventually } from '../testing/eventually.ts'
import { openLossyStore } from '../testing/lossy-store.ts'
import { type Cluster, type ClusterOptions, quick, quickRelay } from './testing/cluster.ts'
import { Neighborhood } from './testing/neighborhood.ts'

let neighborhood: Neighborhood
let cluster: Cluster
afterEach(() => cluster.close())

async function create(count: number, options: ClusterOptions = {}): Promise<void> {
  neighborhood = await Neighborhood.create(count, options)
  cluster = neighborhood.cluster
}

async function started(count: number, options: ClusterOptions = {}): Promise<Cluster> {
  neighborhood = await Neighborhood.started(count, options)
  cluster = neighborhood.cluster
  return cluster
}

const linked = () => neighborhood.linked()
const agreed = (ids: readonly string[]) => neighborhood.agreed(ids)
const publish = (count: number, servers: readonly number[]) => neighborhood.publish(count, servers)

/** So rarely that whatever happens within a test happens without. */
const noRepair = { relay: { timings: { ...quickRelay, vectorMs: 600_000, digestMs: 600_000 } } }

describe('a healthy neighborhood', () => {
  it('carries every entry once to every server, by pushes alone', async () => {
    await started(3, { replicator: noRepair })
    await cluster.server(1).take(cluster.genesis)
    const ids = await publish(60, [1, 2, 3])
    await agreed(ids)
    for (const { counts } of cluster.servers) expect(counts).toMatchObject({ known: 0, refused: 0, rejected: 0 })
    const total = (name: 'sent' | 'stored') => cluster.servers.reduce((sum, { counts }) => sum + counts[name], 0)
    expect([total('sent'), total('stored')]).toEqual([122, 122])
    expect(await cluster.server(3).store.channel(cluster.channel.id)).toMatchObject({ genesis: cluster.channel.genesis, messages: 60 })
  })

  it('is not slowed down by many entries at once', async () => {
    await started(3)
    const entries = await Promise.all(Array.from({ length: 1_000 }, (_, i) => cluster.message(`${i}`)))
    await Promise.all(entries.map((entry, i) => cluster.server((i % 3) + 1).take(entry)))
    expect(await agreed(entries.map(({ id }) => id))).toEqual([1, 2, 3])
  })

  it('keeps one of a message that two servers were handed at once', async () => {
    await started(3)
    const entries = await Promise.all(Array.from({ length: 50 }, (_, i) => cluster.message(`${i}`)))
    await Promise.all(entries.flatMap((entry) => [cluster.server(1).take(entry), cluster.server(2).take(entry)]))
    expect(await agreed(entries.map(({ id }) => id))).toEqual([1, 2, 3])
  })
})

describe('what was missed', () => {
  it('is pulled by a server that comes late, also from another than its origin', async () => {
    await create(3)
    await cluster.server(1).start()
    await cluster.server(2).start()
    await linked()
    await cluster.server(1).take(cluster.genesis)
    const ids = await publish(1_200, [1])
    await agreed(ids)
    await cluster.server(1).stop()
    await cluster.server(3).start()
    await agreed(ids)
    expect(cluster.server(3).counts).toMatchObject({ stored: 1_201, rejected: 0 })
  })

  it('is not pulled twice while it is on its way', async () => {
    await started(3, { replicator: { relay: { timings: { ...quickRelay, graceMs: 5_000 } } } })
    const ids = await publish(200, [1, 2, 3])
    await agreed(ids)
    const known = cluster.servers.reduce((sum, { counts }) => sum + counts.known, 0)
    expect(known).toBeLessThanOrEqual(8)
  })

  it.each([1, 2, 3])('comes although connections break in the middle, seed %i', async (seed) => {
    await started(3)
    const random = new Random(seed)
    await cluster.server(3).take(cluster.genesis)
    const ids: string[] = []
    for (let i = 0; i < 300; i++) {
      ids.push(...(await publish(1, [1 + random.below(3)])))
      if (random.chance(0.1)) cluster.server(1 + random.below(3)).cut()
    }
    await agreed(ids)
    expect(await linked()).toEqual([1, 2, 3])
  })

  it('comes back to a server that restarts with an empty store, its own entries too', async () => {
    await started(3)
    await cluster.server(1).take(cluster.genesis)
    const before = await publish(90, [1, 2, 3])
    await agreed(before)
    await cluster.server(1).stop()
    await cluster.server(1).loseStore()
    const meanwhile = await publish(10, [2])
    await cluster.server(1).start()
    const after = await publish(10, [1, 3])
    await agreed([...before, ...meanwhile, ...after])
    expect(await cluster.server(1).store.channel(cluster.channel.id)).toMatchObject({ genesis: cluster.channel.genesis })
  })

  it.each([
    ['an earlier time than it had', 20_000],
    ['the very time of an earlier boot', 0],
  ])('comes back to a server whose store is empty and whose clock shows %s, and no count is given twice', async (_, setBackMs) => {
    await create(3)
    const server = cluster.server(1)
    const boot = Date.now()
    server.clock = () => boot
    await cluster.start()
    await linked()
    const before = await publish(30, [1])
    const first = `1-${server.incarnation}`
    await agreed(before)
    await server.stop()
    await server.loseStore()
    server.clock = () => boot - setBackMs
    await server.start()
    await linked()
    await agreed(before)
    expect(server.incarnation).toBeGreaterThan(boot)
    const after = await publish(10, [1])
    await agreed([...before, ...after])
    expect((await server.store.vector()).toData()).toEqual({ [first]: [30], [`1-${server.incarnation}`]: [10] })
  })

  it('comes back to a store that was out of reach and lost its tail', async () => {
    await create(3)
    const store = await openLossyStore()
    await cluster.server(1).start(store)
    await cluster.server(2).start()
    await cluster.server(3).start()
    await linked()
    await cluster.server(1).take(cluster.genesis)
    const before = await publish(30, [1, 2])
    await agreed(before)
    const { incarnation } = cluster.server(1)
    store.goAway()
    const meanwhile = await publish(10, [2])
    await store.comeBack(10)
    const after = await publish(10, [1])
    expect(await agreed([...before, ...meanwhile, ...after])).toEqual([1, 2, 3])
    expect(cluster.server(1).incarnation).toBeGreaterThan(incarnation)
    expect((await store.vector()).watermark(`1-${incarnation}`)).toBe(16)
  })

  it('comes although the store fails now and then without going away', async () => {
    await create(2)
    const store = failing(await openSqliteStore({ path: ':memory:' }), new Random(7))
    await cluster.server(1).start()
    await cluster.server(2).start(store)
    await linked()
    expect(await agreed(await publish(200, [1]))).toEqual([1, 2])
    expect(cluster.server(2).counts.stored).toBe(200)
  })
})

/** A store of which one write and one reading in twenty cannot be done. */
function failing(inner: Store, random: Random): Store {
  return new Proxy(inner, {
    get: (_, name: keyof Store) => {
      const value: unknown = inner[name]
      if (typeof value !== 'function') return value
      const fails = name === 'replicate' || name === 'unknown' || name === 'floors'
      return (...args: unknown[]) => {
        if (fails && random.chance(0.05)) return Promise.reject(new DredError('store_unavailable'))
        return (value as (...args: unknown[]) => unknown).apply(inner, args)
      }
    },
  })
}

describe.each(['spt', 'star', 'ring'] as const)('five servers, %s', (name) => {
  it('carry each body to each once', async () => {
    await started(5, { replicator: { topology: topologies[name] } })
    const ids = await publish(50, [1, 2, 3, 4, 5])
    expect(await agreed(ids)).toEqual([1, 2, 3, 4, 5])
    const counters = cluster.servers.map(({ replicator }) => replicator.statistics().counters)
    const total = (of: 'bodies' | 'duplicates') => counters.reduce((sum, each) => sum + each[of], 0)
    expect(total('bodies') - total('duplicates')).toBe(200)
    // On a machine that stands still some are sent again. Sending to everybody would be 600.
    expect(total('duplicates')).toBeLessThan(100)
  })
})

describe('links', () => {
  it('end at once with a server that leaves the registry, and come back with it', async () => {
    const { registry, servers } = await started(3)
    const all = [...registry.servers()]
    registry.set(all.filter(({ id }) => id !== 2))
    await eventually(() => servers.map(({ replicator }) => replicator.connected())).toEqual([[3], [], [1]])
    registry.set(all)
    expect(await linked()).toEqual([1, 2, 3])
  })

  it('follow a server to its new endpoint', async () => {
    const { registry } = await started(2)
    const [first, second] = registry.servers()
    if (!first || !second) throw new Error('two servers were expected')
    registry.set([first, { ...second, endpoint: second.endpoint.replace('127.0.0.1', 'localhost') }])
    await linked()
    expect(await agreed(await publish(4, [1, 2]))).toEqual([1, 2])
  })

  it('are tried again at once with a peer that closes them without a word', async () => {
    await create(2, { replicator: { timings: { ...quick, handshakeMs: 60_000 } } })
    const refused = vi.fn<() => void>()
    cluster.server(2).onRefused = refused
    await cluster.server(1).start()
    await eventually(() => refused.mock.calls.length).toBeGreaterThan(2)
    await cluster.server(2).start()
    expect(await linked()).toEqual([1, 2])
  })

  it('end when the process stops, without delay', async () => {
    await started(3)
    const startedAt = performance.now()
    await cluster.server(2).stop()
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    await eventually(() => cluster.server(1).replicator.connected()).toEqual([3])
  })
})
