import { setTimeout as delay } from 'node:timers/promises'
import { limits } from '@dred/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import { StreamReader } from '../testing/stream-client.ts'
import { type ServerProcess, type Taken, TwoProcesses } from './testing/two-processes.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 })

let two: TwoProcesses
const readers: StreamReader[] = []
beforeEach(async () => {
  two = await TwoProcesses.start()
})
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.stop()
  await two.close()
})

/** Registers one process as the server's endpoint and waits until all three servers are linked, and have the channel. */
async function linkedBy(one: ServerProcess): Promise<void> {
  two.expose(one)
  const { cluster } = two
  await eventually(() => [1, 3].map((id) => cluster.server(id).replicator.connected())).toEqual([
    [2, 3],
    [1, 2],
  ])
  for (const process of two.processes) await eventually(async () => (await fetch(two.channelUrl(process))).status).toBe(200)
}

async function follow(one: ServerProcess): Promise<StreamReader> {
  const reader = await StreamReader.open(`${two.channelUrl(one)}/stream`)
  readers.push(reader)
  await reader.untilCaughtUp()
  return reader
}

const idsOf = (reader: StreamReader): string[] => reader.messages.map(({ id }) => id)

/** What was published, by whoever took it; ends when told to. */
function load(at: readonly ServerProcess[], workers: number): { taken: Taken[]; stop: () => Promise<void> } {
  const taken: Taken[] = []
  let running = true
  const work = async (worker: number): Promise<void> => {
    const order = worker % 2 === 0 ? at : at.toReversed()
    for (let i = 0; running; i++) taken.push(await two.publish(`${worker}.${i}`, order))
  }
  const all = Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)))
  return {
    taken,
    stop: async () => {
      running = false
      await all
    },
  }
}

const incarnationOf = (taken?: Taken): number => Number(taken?.coordinate.split('-')[1])

/** Everything acknowledged is on both peers, under the coordinate that the publisher was told, which stands for nothing else. */
async function expectKept(taken: readonly Taken[]): Promise<void> {
  for (const id of [1, 3]) {
    const server = two.cluster.server(id)
    await eventually(async () => {
      const known = new Set(await server.ids())
      return taken.filter((message) => !known.has(message.id)).length
    }).toBe(0)
    const coordinates = await server.coordinates()
    for (const { id: message, coordinate } of taken) expect(coordinates.get(coordinate)).toBe(message)
  }
  expect(new Set(taken.map(({ coordinate }) => coordinate)).size).toBe(taken.length)
}

describe('two processes of one server', () => {
  it.each(['leader', 'follower'] as const)('replicate what either is given, when peers reach the %s', async (reached) => {
    const { leader, follower } = await two.roles()
    await linkedBy({ leader, follower }[reached])
    const [atLeader, atFollower] = [await follow(leader), await follow(follower)]
    const taken = [await two.publish('at the leader', [leader]), await two.publish('at the follower', [follower])]
    await expectKept(taken)
    const fromPeer = await two.cluster.message('at a peer')
    await two.cluster.server(1).take(fromPeer)
    const ids = [...taken.map(({ id }) => id), fromPeer.id]
    for (const reader of [atLeader, atFollower]) await reader.until(({ messages }) => messages.length === ids.length)
    expect(idsOf(atFollower)).toEqual(idsOf(atLeader))
    expect(new Set(idsOf(atLeader))).toEqual(new Set(ids))
  })

  it.each(['leader', 'follower'] as const)('tell who publishes at the %s on how many servers it is stored', async (role) => {
    const { [role]: one, follower } = await two.roles()
    await linkedBy(follower)
    const startedAt = performance.now()
    const all = await two.publish('for all', [one], '?stored=all')
    expect(all.stored).toBe(3)
    const quorum = await two.publish('for most', [one], '?stored=quorum')
    expect(quorum.stored).toBeGreaterThanOrEqual(2)
    // As soon as it is, and not when the time is over.
    expect(performance.now() - startedAt).toBeLessThan(limits.storedWaitMs)
    const reader = await StreamReader.open(`${two.channelUrl(one)}/stream?receipts=stored&from=start`)
    readers.push(reader)
    await reader.until(({ events }) => events.some((event) => event.type === 'stored' && event.stored === 3))
  })

  it('lose nothing when the one that leads is killed under load, and link anew once', async () => {
    const { leader, follower } = await two.roles()
    await linkedBy(follower)
    const reader = await follow(follower)
    const { taken, stop } = load([leader, follower], 8)
    await eventually(() => taken.length).toBeGreaterThan(60)
    const counting = incarnationOf(taken.at(-1))
    const killedAt = performance.now()
    await two.kill(leader)
    await eventually(async () => (await two.roles()).leader).toBe(follower)
    expect(performance.now() - killedAt).toBeLessThan(5_000)
    const before = taken.length
    await eventually(() => taken.length).toBeGreaterThan(before + 60)
    await stop()
    await expectKept(taken)
    await reader.until(() => taken.every(({ id }) => idsOf(reader).includes(id)))
    expect(new Set(idsOf(reader)).size).toBe(reader.messages.length)
    expect(two.cluster.server(1).replicator.connected()).toEqual([2, 3])
    // Whoever leads signs what is counted from the first on.
    expect(incarnationOf(taken.at(-1))).toBeGreaterThan(counting)
    expect(two.cluster.server(1).replicator.statistics().counters.mismatches).toBe(0)
    // One that comes in its place is taken in.
    const third = await two.add()
    await expectKept([await two.publish('at the third', [third])])
  })

  it('lose nothing when the one that does not lead is killed under load', async () => {
    const { leader, follower } = await two.roles()
    await linkedBy(leader)
    const reader = await follow(leader)
    const { taken, stop } = load([follower, leader], 8)
    await eventually(() => taken.length).toBeGreaterThan(60)
    await two.kill(follower)
    const before = taken.length
    await eventually(() => taken.length).toBeGreaterThan(before + 60)
    await stop()
    await expectKept(taken)
    await reader.until(() => taken.every(({ id }) => idsOf(reader).includes(id)))
    expect((await two.roles()).leader).toBe(leader)
  })

  it('have one that leads when the one that did was only asleep', async () => {
    const { leader, follower } = await two.roles()
    await linkedBy(follower)
    const { taken, stop } = load([follower], 4)
    await eventually(() => taken.length).toBeGreaterThan(50)
    leader.child.kill('SIGSTOP')
    await eventually(async () => (await two.roles()).leader.process).toBe(follower.process)
    leader.child.kill('SIGCONT')
    const mixed = load([leader, follower], 4)
    await eventually(() => mixed.taken.length).toBeGreaterThan(50)
    await delay(1_000)
    await Promise.all([stop(), mixed.stop()])
    await expectKept([...taken, ...mixed.taken])
    expect((await two.roles()).leader).toBe(follower)
    expect(two.cluster.server(1).replicator.connected()).toEqual([2, 3])
  })

  it('hand over at once when the one that leads is told to stop', async () => {
    const { leader, follower } = await two.roles()
    await linkedBy(follower)
    const stoppedAt = performance.now()
    leader.child.kill('SIGTERM')
    await eventually(async () => (await two.roles()).leader).toBe(follower)
    expect(performance.now() - stoppedAt).toBeLessThan(2_000)
    await eventually(() => leader.child.exitCode).toBe(0)
    await expectKept([await two.publish('after', [follower])])
  })
})
