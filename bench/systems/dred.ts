import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../node/src/testing/free-port.ts'
import { type Child, cores, launch } from '../lab/process.ts'
import { checkSigning, openPublisher, openSubscriber, parcel, request, signChannel } from './dred-client.ts'
import type { Cluster, StartOptions, System } from './port.ts'
import { startRedis } from './redis.ts'

interface Make {
  kind: 'redis' | 'sqlite'
  /** Of each server. */
  processes: number
}

/** Dred with everything on; only the limits for one address, which a single load generator would meet, are raised. */
export const dred: System = {
  name: 'dred',
  label: 'Dred, Redis',
  durability: 'every second',
  start: (options) => start(options, { kind: 'redis', processes: 1 }),
}
export const dredTwice: System = {
  name: 'dred-2',
  label: 'Dred, Redis, two processes',
  durability: 'every second',
  start: (options) => start(options, { kind: 'redis', processes: 2 }),
}
export const dredSqlite: System = {
  name: 'dred-sqlite',
  label: 'Dred, SQLite',
  durability: 'page cache',
  start: (options) => start(options, { kind: 'sqlite', processes: 1 }),
}

const rate = { burst: 1_000_000_000, perSecond: 1_000_000_000 }
const atOnce = { total: 1_000_000_000, perAddress: 1_000_000_000 }
/** All are counted, none is reached: one load generator stands for thousands of clients. */
const raisedLimits = {
  address: rate,
  creations: rate,
  sessions: rate,
  device: rate,
  wallet: rate,
  channel: rate,
  connections: atOnce,
  requests: atOnce,
}

/** As in packaging/dred.service. */
export const unitEnvironment = { NODE_OPTIONS: '--max-semi-space-size=8', MALLOC_ARENA_MAX: '2' }

async function start({ servers, folder, profile }: StartOptions, { kind, processes }: Make): Promise<Cluster> {
  const ports = await Promise.all(Array.from({ length: servers }, freePort))
  const endpoints = ports.map((port) => `http://127.0.0.1:${port}`)
  const script = (name: string): string => join(import.meta.dirname, name)
  const chain = await launch([process.execPath, script('dred-chain.ts'), folder, ...endpoints], { name: 'chain', folder, ready: /\n/ })
  const stores: Awaited<ReturnType<typeof startRedis>>[] = []
  const relays: Child[] = []
  for (const [index, port] of ports.entries()) {
    if (kind === 'redis') stores.push(await startRedis(folder, `redis-${index}`))
    const store = kind === 'redis' ? { kind, url: `redis://127.0.0.1:${stores.at(-1)?.port}` } : { kind, path: join(folder, `${index}.db`) }
    const settings = {
      port,
      neighborhood: '1',
      store,
      chain: JSON.parse(chain.output) as unknown,
      serverKeyFile: join(folder, `server-${index}.pem`),
      limits: raisedLimits,
      maxStreams: 50_000,
      processes: { count: processes },
    }
    const file = join(folder, `server-${index}.json`)
    writeFileSync(file, JSON.stringify(settings))
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
    const command = [process.execPath, ...profiling, script('dred-server.ts'), file]
    for (let i = 0; i < processes; i++)
      relays.push(
        await launch(command, {
          name: `server-${index}-${i}`,
          folder,
          ready: /"adminUrl".*\n/,
          core: processes === 1 ? cores?.servers : cores && `${cores.servers},${cores.generator}`,
          env: unitEnvironment,
        }),
      )
  }
  const portOf = (server: number): number => ports[server] ?? Number.NaN
  const frontPids = relays.map(({ pid }) => pid)
  let checked = false
  return {
    pids: [...frontPids, ...stores.map(({ pid }) => pid)],
    frontPids,
    processes,
    versions: {
      Dred: (JSON.parse(readFileSync(join(import.meta.dirname, '../../node/package.json'), 'utf8')) as { version: string }).version,
      ...(stores[0] ? { Redis: stores[0].version } : {}),
    },
    createChannels: (count) => createChannels(ports, count),
    async prepare(messages) {
      const [message] = messages
      if (!checked && message) await checkSigning(message)
      checked = true
      return parcel(messages)
    },
    publisher: (server, answered) => openPublisher(portOf(server), answered),
    subscribe: (channel, server, reader) => openSubscriber(portOf(server), channel, reader),
    async stop() {
      await Promise.all(relays.map((relay) => relay.stop()))
      await Promise.all([chain, ...stores].map((child) => child.stop()))
    },
  }
}

/** At every server, so that nobody has to wait until a channel has come around. */
async function createChannels(ports: readonly number[], count: number): Promise<string[]> {
  const channels = await Promise.all(Array.from({ length: count }, signChannel))
  for (const port of ports) {
    let answer = Promise.withResolvers<void>()
    const publisher = await openPublisher(port, (error) => (error ? answer.reject(error) : answer.resolve()))
    for (const { id, body } of channels) {
      answer = Promise.withResolvers()
      publisher.send({ numbers: [], bytes: request('PUT', `/channel/${id}`, body), ids: [id] })
      await answer.promise
    }
    publisher.close()
  }
  return channels.map(({ id }) => id)
}
