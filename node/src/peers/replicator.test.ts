import { afterEach, describe, expect, it } from 'vitest'
import { openSqliteStore } from '../store/sqlite.ts'
import { Cluster, type ClusterOptions, quick } from './testing/cluster.ts'

let cluster: Cluster
afterEach(() => cluster.close())

async function started(count: number, options: ClusterOptions = {}): Promise<Cluster> {
  cluster = await Cluster.create(count, options)
  await cluster.start()
  await linked()
  return cluster
}

const eventually = <T>(actual: () => T) => expect.poll(actual, { timeout: 15_000, interval: 10 })

/** Waits until every server that runs is linked to every other. @returns their ids */
async function linked(): Promise<number[]> {
  const running = cluster.servers.filter((server) => server.running)
  const others = running.map(({ id }) => running.flatMap((server) => (server.id === id ? [] : [server.id])))
  await eventually(() => running.map(({ replicator }) => replicator.connected())).toEqual(others)
  return running.map(({ id }) => id)
}

/** Waits until every server that runs has exactly these messages of the channel, and all know of the same counts. @returns their ids */
async function agreed(ids: readonly string[]): Promise<number[]> {
  const running = cluster.servers.filter((server) => server.running)
  const expected = [...ids].sort()
  for (const server of running) await eventually(() => server.ids()).toEqual(expected)
  await eventually(async () => new Set(await cluster.vectors()).size).toBe(1)
  return running.map(({ id }) => id)
}

/** Hands `count` new messages to the servers of these ids in turn. @returns their ids */
async function publish(count: number, servers: readonly number[]): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) {
    const entry = await cluster.message(`${ids.length} ${Math.random()}`)
    await cluster.server(servers[i % servers.length] ?? 1).take(entry)
    ids.push(entry.id)
  }
  return ids
}

/** So rarely that whatever happens within a test happens without. */
const noVectors = { timings: { ...quick, vectorMs: 600_000 } }

/** xorshift32: the same sequence for the same seed. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

describe('a healthy neighborhood', () => {
  it('carries every entry once to every server, by pushes alone', async () => {
    await started(3, { replicator: noVectors })
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
    cluster = await Cluster.create(3)
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
    await started(3, { replicator: { timings: { ...quick, graceMs: 5_000 } } })
    const ids = await publish(200, [1, 2, 3])
    await agreed(ids)
    const known = cluster.servers.reduce((sum, { counts }) => sum + counts.known, 0)
    expect(known).toBeLessThanOrEqual(8)
  })

  it.each([1, 2, 3])('comes although connections break in the middle, seed %i', async (seed) => {
    await started(3)
    const next = random(seed)
    await cluster.server(3).take(cluster.genesis)
    const ids: string[] = []
    for (let i = 0; i < 300; i++) {
      ids.push(...(await publish(1, [1 + Math.floor(next() * 3)])))
      if (next() < 0.1) cluster.server(1 + Math.floor(next() * 3)).cut()
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
    cluster = await Cluster.create(3)
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
    cluster = await Cluster.create(3)
    const inner = { store: await openSqliteStore({ path: ':memory:' }) }
    const reconnected = new Set<() => void>()
    const appended = new Set<Parameters<typeof inner.store.onAppended>[0]>()
    /** A store that can be exchanged behind its users' backs, as a server that holds it can. */
    const store = new Proxy(inner.store, {
      get: (_, name: keyof typeof inner.store) => {
        if (name === 'onReconnected') return (listener: () => void) => (reconnected.add(listener), () => reconnected.delete(listener))
        if (name === 'onAppended')
          return (listener: Parameters<typeof inner.store.onAppended>[0]) => {
            appended.add(listener)
            return () => appended.delete(listener)
          }
        const value: unknown = inner.store[name]
        return typeof value === 'function' ? value.bind(inner.store) : value
      },
    })
    const follow = () => inner.store.onAppended((entry, position) => appended.forEach((listener) => listener(entry, position)))
    follow()
    await cluster.server(1).start(store)
    await cluster.server(2).start()
    await cluster.server(3).start()
    await linked()
    await cluster.server(1).take(cluster.genesis)
    const before = await publish(30, [1, 2])
    await agreed(before)

    await inner.store.close()
    inner.store = await openSqliteStore({ path: ':memory:' })
    follow()
    cluster.server(1).renew()
    for (const listener of reconnected) listener()
    const after = await publish(10, [1])
    expect(await agreed([...before, ...after])).toEqual([1, 2, 3])
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

  it('end when the process stops, without delay', async () => {
    await started(3)
    const startedAt = performance.now()
    await cluster.server(2).stop()
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    await eventually(() => cluster.server(1).replicator.connected()).toEqual([3])
  })
})
