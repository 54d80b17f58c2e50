import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { RedisAddress } from '../config.ts'
import type { Store } from '../port.ts'
import { freePort } from '../../testing/free-port.ts'
import { type RedisServer, startRedis } from './redis-server.ts'

/** Redis servers of one's own on the loopback interface, of which another takes the writes when the one that does dies. */
export interface RedisGroup {
  /** How a store finds the one that takes writes. */
  readonly address: RedisAddress
  /** Who takes writes for a key, by the words of a majority; waits until there is one that is not the one given. */
  masterOf(key: string, but?: RedisServer): Promise<RedisServer>
  /** Its replicas, once there are so many that are up to date. */
  replicasOf(key: string, count: number): Promise<RedisServer[]>
  stop(): Promise<void>
}

const SLOTS = 16_384
const MASTERS = 3
/** A loaded machine makes nodes look dead that are not: then there is a failover more, which does no harm. */
const NODE_TIMEOUT_MS = 1_000

/** A Redis Cluster: three masters with replicas. */
export async function startRedisCluster({ replicas = 1, appendonly = true } = {}): Promise<RedisGroup> {
  const buses = await Promise.all(Array.from({ length: MASTERS * (1 + replicas) }, freePort))
  const servers = await Promise.all(buses.map((bus) => startRedis({ appendonly, args: clusterArguments(bus) })))
  const clients = new Map(servers.map((server) => [server, client(server)]))
  const on = (server: RedisServer): Redis => clients.get(server) ?? client(server)
  const ids = await Promise.all(servers.map((server) => on(server).call('CLUSTER', 'MYID') as Promise<string>))

  for (const [i, server] of servers.entries()) {
    await on(server).call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
    if (i < MASTERS) await on(server).call('CLUSTER', 'ADDSLOTSRANGE', ...rangeOf(i))
    const [first] = servers
    if (first && server !== first) await on(server).call('CLUSTER', 'MEET', '127.0.0.1', first.port, buses[0] ?? 0)
  }
  const everywhere = (check: (server: RedisServer) => Promise<boolean>): Promise<void> => every(servers, check)
  await everywhere(async (server) => (await nodesOf(on(server))).length === servers.length)
  for (const [i, server] of servers.entries()) {
    if (i >= MASTERS) await on(server).call('CLUSTER', 'REPLICATE', ids[i % MASTERS] ?? '')
  }
  await everywhere(async (server) => /cluster_state:ok/.test((await on(server).call('CLUSTER', 'INFO')) as string))
  await everywhere(async (server) => /role:master|master_link_status:up/.test(await on(server).info('replication')))

  const masterNow = async (key: string): Promise<RedisServer | undefined> => {
    const words = await Promise.all(servers.map((server) => ownerOf(on(server), key).catch(() => undefined)))
    const port = words.find((word) => word !== undefined && words.filter((other) => other === word).length > servers.length / 2)
    return servers.find((server) => server.port === port)
  }
  const masterOf = async (key: string, but?: RedisServer): Promise<RedisServer> => {
    for (;;) {
      const master = await masterNow(key)
      if (master && master !== but) return master
      await delay(50)
    }
  }
  return {
    address: { nodes: servers.map(({ url }) => url) },
    masterOf,
    replicasOf: async (key, count) => upToDate(servers, on(await masterOf(key)), count),
    async stop() {
      for (const redis of clients.values()) redis.disconnect()
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

function clusterArguments(bus: number): string[] {
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-port': bus,
    'cluster-node-timeout': NODE_TIMEOUT_MS,
    // A replica without a word of its master for long is elected too: better late than never.
    'cluster-replica-validity-factor': 0,
    'repl-diskless-sync-delay': 0,
  }
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`])
}

/** A client that waits for the server to be there, but not for its answers. */
export function client(server: RedisServer): Redis {
  const redis = new Redis(server.url, { protocol: 2, retryStrategy: () => 50, maxRetriesPerRequest: 0, commandTimeout: 500 })
  redis.on('error', () => undefined)
  return redis
}

function rangeOf(master: number): [from: number, to: number] {
  return [Math.ceil((SLOTS * master) / MASTERS), Math.ceil((SLOTS * (master + 1)) / MASTERS) - 1]
}

async function nodesOf(redis: Redis): Promise<string[]> {
  const lines = ((await redis.call('CLUSTER', 'NODES')) as string).trim().split('\n')
  return lines.filter((line) => !line.includes('handshake'))
}

/** The port of who owns a key's slot, as one node knows it. */
async function ownerOf(redis: Redis, key: string): Promise<number | undefined> {
  const slot = (await redis.call('CLUSTER', 'KEYSLOT', key)) as number
  const ranges = (await redis.call('CLUSTER', 'SLOTS')) as [from: number, to: number, master: [host: string, port: number]][]
  return ranges.find(([from, to]) => from <= slot && slot <= to)?.[2][1]
}

async function every(servers: readonly RedisServer[], check: (server: RedisServer) => Promise<boolean>): Promise<void> {
  for (const server of servers) await until(() => check(server))
}

/** The replicas that a master knows to be up to date, once they are so many. */
export async function upToDate(servers: readonly RedisServer[], master: Redis, count: number): Promise<RedisServer[]> {
  for (;;) {
    const lines = (await master.info('replication').catch(() => '')).split('\n').filter((line) => line.includes('state=online'))
    if (lines.length >= count) return servers.filter(({ port }) => lines.some((line) => line.includes(`port=${port},`)))
    await delay(30)
  }
}

/** Has a replica of a key's master in a Cluster take over from it, which goes on answering. @returns the former master */
export async function takeOver(cluster: RedisGroup, key: string): Promise<RedisServer> {
  const master = await cluster.masterOf(key)
  const [replica] = await cluster.replicasOf(key, 1)
  const admin = client(replica ?? master)
  const moved = cluster.masterOf(key, master)
  // Redis gives an attempt up for which the replica was not quite up to date.
  for (let done = false; !done; ) {
    await admin.call('CLUSTER', 'FAILOVER').catch(() => undefined)
    done = await Promise.race([moved.then(() => true), delay(2_000, false)])
  }
  admin.disconnect()
  return master
}

/** Resolves when a store is back after it was out of reach. */
export function reconnected(store: Pick<Store, 'onReconnected'>): Promise<void> {
  return new Promise((resolve) => {
    const stop = store.onReconnected(() => {
      stop()
      resolve()
    })
  })
}

export async function until(check: () => Promise<boolean>): Promise<void> {
  while (!(await check().catch(() => false))) await delay(30)
}
