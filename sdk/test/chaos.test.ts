import { Random } from '@dred/protocol/testing/random'
import { afterEach, expect, it } from 'vitest'
import { Cluster } from './cluster.ts'
import { range, take } from './collect.ts'
import type { Relay } from './relay.ts'

let cluster: Cluster

afterEach(() => cluster.stop())

const misfortunes: ((relay: Relay) => Promise<void> | void)[] = [
  (relay) => (relay.isUp ? relay.kill() : relay.start()),
  (relay) => (relay.isUp ? undefined : relay.start()),
  (relay) => {
    relay.faults.cutAnswers = 1
  },
  (relay) => {
    relay.faults.cutMidLineAt = 3
  },
  (relay) => {
    relay.faults.silent = !relay.faults.silent
  },
  (relay) => {
    relay.faults.refuse = { path: '/channel/', code: 'store_unavailable', times: 2 }
  },
  (relay) => {
    relay.faults.delayMs = relay.faults.delayMs === undefined ? 50 : 0
  },
]

it.each([1, 2, 3, 4])('whatever happens to the servers, everybody gets every message once (seed %i)', async (seed) => {
  const numbers = new Random(seed)
  const random = () => numbers.next()
  cluster = await Cluster.start({ relays: 3, keepaliveMs: 100 })
  const timing = { keepaliveMs: 100, publishAttemptMs: 200, requestMs: 500, publishDeadlineMs: 15_000 }
  const writers = [cluster.client({ timing, random }), cluster.client({ timing, random })]
  const channel = await cluster.client().channels.create<string>()
  const readers = [cluster.client({ timing, random }), cluster.client({ timing, random }), cluster.client({ timing, random })]
  const perWriter = 40
  const subscriptions = await Promise.all(
    readers.map(async (reader) =>
      (await reader.channels.get<string>(channel.id, { genesis: channel.genesis })).subscribe({ from: 'start' }),
    ),
  )
  const received = Promise.all(subscriptions.map((subscription) => take(subscription, writers.length * perWriter)))
  await Promise.all(
    writers.map(async (writer, w) => {
      const own = await writer.channels.get<string>(channel.id, { genesis: channel.genesis })
      for (const n of range(1, perWriter)) {
        const relay = cluster.relay(1 + numbers.below(3))
        const misfortune = misfortunes[numbers.below(misfortunes.length * 2)]
        if (w === 0 && misfortune) await misfortune(relay)
        if (cluster.relays.every(({ isUp }) => !isUp)) await relay.start()
        await own.publish(`${w}:${n}`)
      }
    }),
  )
  for (const relay of cluster.relays) {
    relay.faults = {}
    if (!relay.isUp) await relay.start()
  }
  const expected = writers.flatMap((_, w) => range(1, perWriter).map((n) => `${w}:${n}`))
  for (const messages of await received) expect([...messages].sort(byText)).toEqual([...expected].sort(byText))
  // Whatever came late and double is there by now: the servers are whole again and each stream has said that it is up to date.
  const more = subscriptions.map((subscription) => subscription.next())
  const [writer] = writers
  await (await writer?.channels.get<string>(channel.id))?.publish('last')
  for (const next of await Promise.all(more)) expect(next.value?.data).toBe('last')
})

function byText(a: string, b: string): number {
  return a < b ? -1 : 1
}
