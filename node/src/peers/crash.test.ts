import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openRedisStore } from '../store/redis.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { startRedis } from '../store/testing/redis-server.ts'
import { endWithProcess } from '../testing/end-with-process.ts'
import { eventually } from '../testing/eventually.ts'
import { Neighborhood } from './testing/neighborhood.ts'
import type { ServerProcessOptions } from './testing/server-process.ts'

let neighborhood: Neighborhood
let folder: string
const closing: (() => Promise<void> | void)[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dred-crash-'))
  neighborhood = await Neighborhood.create(3)
})
afterEach(async () => {
  await neighborhood.close()
  for (const close of closing.splice(0)) await close()
  await rm(folder, { recursive: true })
})

/** What every count stood for that anybody ever knew. */
class Ledger {
  readonly ids = new Map<string, string>()
  /** Counts that stood for two messages. */
  readonly doubles: string[] = []

  add(counts: Iterable<readonly [count: string, id: string]>): void {
    for (const [count, id] of counts) {
      if ((this.ids.get(count) ?? id) !== id) this.doubles.push(count)
      this.ids.set(count, id)
    }
  }
}

/** Runs server 1 as a process until it has taken so many messages, and kills it. @returns what it said that it took */
async function life(options: Pick<ServerProcessOptions, 'path'>, taken: number): Promise<[count: string, id: string][]> {
  const child = start({ ...options, channel: neighborhood.cluster.channel.id })
  const said: [string, string][] = []
  for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
    const [id = '', incarnation, n] = line.split(' ')
    if (n !== undefined) said.push([`1-${incarnation}-${n}`, id])
    if (said.length === taken) child.kill('SIGKILL')
  }
  if (child.signalCode === null) await once(child, 'exit')
  expect(child.signalCode).toBe('SIGKILL')
  return said
}

function start(options: Pick<ServerProcessOptions, 'path' | 'channel'>): ChildProcess {
  const { cluster } = neighborhood
  const all = { id: 1, servers: [...cluster.registry.servers()], keyFile: cluster.keyFile(1), ...options } satisfies ServerProcessOptions
  const script = fileURLToPath(new URL('testing/server-process.ts', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify(all)], { stdio: ['ignore', 'pipe', 'inherit'] })
  endWithProcess(child)
  return child
}

it.each([
  ['keeps its database', false],
  ['loses its database once', true],
])(
  'a process that is killed again and again while it writes gives no count twice, and loses nothing that others have: it %s',
  { timeout: 60_000 },
  async (_, loses) => {
    const { cluster } = neighborhood
    await cluster.server(2).start()
    await cluster.server(3).start()
    const ledger = new Ledger()
    const path = join(folder, 'one.sqlite')
    let safe: string[] = []
    for (const taken of [40, 200, 100]) {
      const said = await life({ path }, taken)
      ledger.add(said)
      for (const server of [cluster.server(2), cluster.server(3)]) ledger.add(await server.coordinates())
      if (!loses) safe.push(...said.map(([, id]) => id))
      if (loses && taken === 200) {
        for (const suffix of ['', '-wal', '-shm']) await rm(path + suffix, { force: true })
        safe = [...(await cluster.server(2).coordinates()).values()]
      }
    }
    const last = start({ path })
    await eventually(async () => {
      const [two, three] = [await cluster.server(2).ids(), await cluster.server(3).ids()]
      return safe.filter((id) => !two.includes(id) || !three.includes(id))
    }).toEqual([])
    await eventually(async () => new Set(await cluster.vectors()).size).toBe(1)
    const everywhere = await cluster.server(2).coordinates()
    last.kill('SIGTERM')
    await once(last, 'exit')
    const store = await openSqliteStore({ path })
    closing.push(() => store.close())
    expect((await store.unknown([...everywhere.values()])).length).toBe(0)
    expect(safe.length).toBeGreaterThan(200)
    for (const server of [cluster.server(2), cluster.server(3)]) ledger.add(await server.coordinates())
    expect(ledger.doubles).toEqual([])
  },
)

it('a Redis that is killed and has lost its last writes gives no count twice, and loses nothing that others have', {
  timeout: 60_000,
}, async () => {
  const { cluster } = neighborhood
  const redis = await startRedis()
  closing.push(() => redis.stop())
  await cluster.server(1).start(await openRedisStore({ url: redis.url, prefix: 'dred:{one}:' }))
  await cluster.server(2).start()
  await cluster.server(3).start()
  await neighborhood.linked()
  const ledger = new Ledger()
  const ids: string[] = []
  for (const lostBytes of [2_000, 20_000, 200_000]) {
    ids.push(...(await neighborhood.publish(60, [1, 2, 3])))
    await neighborhood.agreed(ids)
    for (const server of cluster.servers) ledger.add(await server.coordinates())
    const { incarnation } = cluster.server(1)
    await redis.kill()
    await redis.keepOnly(Math.max(0, (await redis.written()) - lostBytes))
    await redis.restart()
    await eventually(() => cluster.server(1).incarnation).toBeGreaterThan(incarnation)
    await eventually(() => cluster.server(1).store.ping()).toBeUndefined()
    ids.push(...(await neighborhood.publish(20, [1, 2])))
    await neighborhood.agreed(ids)
    for (const server of cluster.servers) ledger.add(await server.coordinates())
  }
  expect(ledger.doubles).toEqual([])
  expect(ledger.ids.size).toBe(240)
})
