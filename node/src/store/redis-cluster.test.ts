import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { describeStore, type StoreHarness } from './testing/contract.ts'
import type { Store } from './port.ts'
import { openRedisStore } from './redis.ts'
import { client, reconnected, type RedisGroup, startRedisCluster, takeOver, until } from './testing/redis-cluster.ts'
import { channel, message, self } from './testing/samples.ts'

let cluster: RedisGroup
beforeAll(async () => {
  cluster = await startRedisCluster({ appendonly: false })
}, 30_000)
afterAll(() => cluster.stop())

async function prepare(): Promise<StoreHarness> {
  // Every store of its own slot: all masters are asked.
  const prefix = `dred:{${randomUUID()}}:`
  return { open: () => openRedisStore({ ...cluster.address, prefix, replicas: 1 }), dispose: async () => undefined }
}

describeStore('Redis Cluster', prepare)

describe('a slot that another master takes over', () => {
  const prefix = 'dred:{taken over}:'
  type Message = ReturnType<typeof message>
  let store: Store
  beforeEach(async () => {
    store = await openRedisStore({ ...cluster.address, prefix, replicas: 1 })
    await store.append(channel, self, 1)
  })
  afterEach(() => store.close())

  it('is followed, although the connection to the former one does not break', { timeout: 30_000 }, async () => {
    const { coordinate } = await store.append(message(channel.id, 'before'), self, 1)
    const back = reconnected(store)
    const former = client(await takeOver(cluster, prefix))
    await until(async () => (await former.info('replication')).includes('role:slave'))
    // PING is answered by anybody: only what concerns the slot tells at once that it is another's.
    await store.vector().catch(() => undefined)
    await back
    const after = await store.append(message(channel.id, 'after'), self, 2)
    expect(after).toMatchObject({ created: true, coordinate: { n: 1 } })
    expect(after.coordinate.incarnation).toBeGreaterThan(coordinate.incarnation)
    expect((await store.channel(channel.id))?.messages).toBe(2)
    former.disconnect()
  })

  it('is followed by all processes of a server, which announce what either logs', { timeout: 30_000 }, async () => {
    const other = await openRedisStore({ ...cluster.address, prefix })
    const bid = { leaseMs: 60_000, term: 0, knownTerm: 0, address: undefined }
    for (const one of [store, other, store, other]) await one.shared?.attend(bid)
    const announced: string[][] = [[], []]
    for (const [i, one] of [store, other].entries()) one.onAppended(({ id }) => announced[i]?.push(id))
    const [first, second, third] = ['first', 'second', 'third'].map((text) => message(channel.id, text)) as [Message, Message, Message]
    await store.append(first, self, 1)
    const back = [reconnected(store), reconnected(other)]
    await takeOver(cluster, prefix)
    await Promise.all(back)
    await cluster.replicasOf(prefix, 1)
    await store.append(second, self, 2)
    await other.append(third, self, 3)
    const ids = [first, second, third].map(({ id }) => id)
    await expect.poll(() => announced, { timeout: 10_000 }).toEqual([ids, ids])
    await other.close()
  })

  it('is out of reach while its keys are on their way, and complete afterwards', { timeout: 30_000 }, async () => {
    const source = await cluster.masterOf(prefix)
    const target = await cluster.masterOf('another slot', source)
    const [from, to] = [client(source), client(target)]
    const [slot, sourceId, targetId] = [
      await from.call('CLUSTER', 'KEYSLOT', prefix),
      await from.call('CLUSTER', 'MYID'),
      await to.call('CLUSTER', 'MYID'),
    ].map(String) as [string, string, string]
    const before = (await store.channel(channel.id))?.messages ?? 0
    await to.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId)
    await from.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId)
    await expect(store.append(message(channel.id, 'on its way'), self, 3)).rejects.toMatchObject({ code: 'store_unavailable' })
    const keys = (await from.call('CLUSTER', 'GETKEYSINSLOT', slot, 1_000)) as string[]
    expect(keys.length).toBeGreaterThan(3)
    await from.call('MIGRATE', '127.0.0.1', target.port, '', 0, 5_000, 'KEYS', ...keys)
    const back = reconnected(store)
    for (const redis of [to, from]) await redis.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetId)
    await store.append(message(channel.id, 'on its way'), self, 4).catch(() => undefined)
    await back
    await store.append(message(channel.id, 'on its way'), self, 5)
    expect((await store.channel(channel.id))?.messages).toBe(before + 1)
    from.disconnect()
    to.disconnect()
  })
})
