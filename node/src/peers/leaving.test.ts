import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import type { Cluster } from './testing/cluster.ts'
import { Neighborhood } from './testing/neighborhood.ts'

let neighborhood: Neighborhood
let cluster: Cluster
afterEach(() => cluster.close())

async function create(count: number): Promise<void> {
  neighborhood = await Neighborhood.create(count)
  cluster = neighborhood.cluster
}

const linked = () => neighborhood.linked()
const agreed = (ids: readonly string[]) => neighborhood.agreed(ids)
const publish = (count: number, servers: readonly number[]) => neighborhood.publish(count, servers)

describe('a server that leaves', () => {
  it('keeps its links until the others have all that it has', async () => {
    await create(3)
    await cluster.server(1).start()
    await cluster.server(2).start()
    await linked()
    const shared = await publish(10, [1, 2])
    await agreed(shared)
    await cluster.server(2).stop()
    const own = await publish(10, [1])

    const [first, second, third] = cluster.registry.servers()
    if (!first || !second || !third) throw new Error('three servers were expected')
    cluster.registry.set([{ ...first, status: 'exiting' }, second, third])
    await cluster.server(3).start()
    await eventually(() => cluster.server(3).ids()).toEqual([...shared, ...own].sort())
    const late = await publish(10, [3])
    await cluster.server(2).start()
    await eventually(() => cluster.server(2).ids()).toEqual([...shared, ...own, ...late].sort())
    expect(await linked()).toEqual([1, 2, 3])

    cluster.registry.set([{ ...first, status: 'withdrawn' }, second, third])
    await eventually(() => cluster.servers.map(({ replicator }) => replicator.connected())).toEqual([[], [3], [2]])
  })

  it('may be started again', async () => {
    await create(2)
    await cluster.server(1).start()
    const ids = await publish(5, [1])
    await cluster.server(1).stop()
    const [first, second] = cluster.registry.servers()
    if (!first || !second) throw new Error('two servers were expected')
    cluster.registry.set([{ ...first, status: 'exiting' }, second])
    await cluster.start()
    expect(await agreed(ids)).toEqual([1, 2])
  })

  it('is linked to by nobody when it never was attested', async () => {
    await create(2)
    const [first, second] = cluster.registry.servers()
    if (!first || !second) throw new Error('two servers were expected')
    cluster.registry.set([{ ...first, status: 'exiting', validUntil: 0 }, second])
    await cluster.start()
    cluster.registry.set([first, second])
    expect(await linked()).toEqual([1, 2])
    cluster.registry.set([{ ...first, status: 'exiting', validUntil: 0 }, second])
    await eventually(() => cluster.servers.map(({ replicator }) => replicator.connected())).toEqual([[], []])
  })
})
