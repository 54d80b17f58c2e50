import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { Cluster, type ClusterOptions } from './cluster.ts'

/** A cluster and what tests expect of it again and again. */
export class Neighborhood {
  readonly cluster: Cluster

  constructor(cluster: Cluster) {
    this.cluster = cluster
  }

  /** @param count of servers, none of which runs yet */
  static async create(count: number, options: ClusterOptions = {}): Promise<Neighborhood> {
    return new Neighborhood(await Cluster.create(count, options))
  }

  /** @param count of servers, all linked to each other */
  static async started(count: number, options: ClusterOptions = {}): Promise<Neighborhood> {
    const neighborhood = await Neighborhood.create(count, options)
    await neighborhood.cluster.start()
    await neighborhood.linked()
    return neighborhood
  }

  /** Waits until every server that runs is linked to every other. @returns their ids */
  async linked(): Promise<number[]> {
    const running = this.#running
    const others = running.map(({ id }) => running.flatMap((server) => (server.id === id ? [] : [server.id])))
    await until(() => running.map(({ replicator }) => replicator.connected()), others)
    return running.map(({ id }) => id)
  }

  /** Waits until every server that runs has exactly these messages of the channel, and all know of the same counts. @returns their ids */
  async agreed(ids: readonly string[]): Promise<number[]> {
    const running = this.#running
    const expected = [...ids].sort()
    for (const server of running) await until(() => server.ids(), expected)
    await until(async () => new Set(await this.cluster.vectors()).size, 1)
    return running.map(({ id }) => id)
  }

  /** Hands `count` new messages to the servers of these ids in turn. @returns their ids */
  async publish(count: number, servers: readonly number[]): Promise<string[]> {
    const ids: string[] = []
    for (let i = 0; i < count; i++) {
      const entry = await this.cluster.message(`${ids.length} ${Math.random()}`)
      await this.cluster.server(servers[i % servers.length] ?? 1).take(entry)
      ids.push(entry.id)
    }
    return ids
  }

  close(): Promise<void> {
    return this.cluster.close()
  }

  get #running() {
    return this.cluster.servers.filter(({ running }) => running)
  }
}

const PATIENCE_MS = 15_000

/** @throws when a value is not what it should be after a long time */
async function until<T>(read: () => T | Promise<T>, expected: T): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (let value = await read(); !isDeepStrictEqual(value, expected); value = await read()) {
    if (performance.now() > deadline) throw new Error(`${JSON.stringify(value)} has not become ${JSON.stringify(expected)}`)
    await delay(10)
  }
}
