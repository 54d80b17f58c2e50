import { encodeCursor } from '@dred/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ChannelTracker, channelExpiresAt } from './channel-tracker.ts'
import type { Store } from './store/port.ts'
import { openSqliteStore } from './store/sqlite.ts'
import { at, genesis, message } from './store/testing/samples.ts'

const SELF = { server: 1, incarnation: 1_000 }
const table = genesis('table')

let store: Store
let reads: string[]
let pinned: Set<string>
let tracker: ChannelTracker

beforeEach(async () => {
  const sqlite = await openSqliteStore({ path: ':memory:' })
  reads = []
  pinned = new Set()
  store = sqlite
  const channel = store.channel.bind(store)
  store.channel = async (id) => {
    reads.push(id)
    return channel(id)
  }
  tracker = new ChannelTracker(store, { capacity: 2, pinned: (id) => pinned.has(id) })
  await store.append(table, SELF, 1)
})
afterEach(async () => {
  tracker.close()
  await store.close()
})

test('reads a channel once, however many ask for it', async () => {
  const [a, b] = await Promise.all([tracker.get(table.id), tracker.get(table.id)])
  expect(a).toBe(b)
  expect(await tracker.get(table.id)).toBe(a)
  expect(reads).toEqual([table.id])
})

test('follows what is announced, and passes each message on once', async () => {
  const channel = await tracker.get(table.id)
  const heard: string[] = []
  tracker.onMessage((_channel, { entry }) => heard.push(entry.id))
  const said = message(table.id, 'hello', { sentAt: 50_000 })
  await store.append(said, SELF, 1)
  await store.append(said, SELF, 1)
  await store.append(message('X'.repeat(43), 'elsewhere'), SELF, 1)
  expect(heard).toEqual([said.id])
  expect(channel?.lastActivityAt).toBe(50_000)
  expect(channel?.vector.toData()).toEqual((await store.channel(table.id))?.vector.toData())
  expect(channel && channelExpiresAt(channel)).toBe(150_000)
})

test('follows an origin whose messages come out of order', async () => {
  const channel = await tracker.get(table.id)
  const heard: number[] = []
  tracker.onMessage((_channel, { entry }) => heard.push(entry.coordinate.n))
  for (const n of [3, 1, 5, 2]) {
    await store.replicate(at(message(table.id, `${n}`), [2, 7, n]))
    expect(channel?.vector.toData()).toEqual((await store.channel(table.id))?.vector.toData())
    expect(channel?.cursor).toBe(channel && encodeCursor(table.id, channel.vector))
  }
  expect(channel?.vector.toData()['2-7']).toEqual([3, 5])
  expect(heard).toEqual([3, 1, 5, 2])
})

test('counts what is announced while the channel is being read', async () => {
  const channel = store.channel.bind(store)
  let answer: () => void = () => undefined
  store.channel = async (id) => {
    const state = await channel(id)
    await new Promise<void>((resolve) => {
      answer = resolve
    })
    return state
  }
  const reading = tracker.get(table.id)
  await store.append(message(table.id, 'early', { sentAt: 70_000 }), SELF, 1)
  answer()
  const read = await reading
  expect(read?.lastActivityAt).toBe(70_000)
  expect(read?.vector.watermark('1-1000')).toBe(2)
})

test('does not remember a channel that is unknown, or could not be read', async () => {
  const other = genesis('other')
  expect(await tracker.get(other.id)).toBeUndefined()
  await store.append(other, SELF, 1)
  expect((await tracker.get(other.id))?.id).toBe(other.id)
  tracker.clear()
  const channel = store.channel.bind(store)
  store.channel = () => Promise.reject(new Error('away'))
  await expect(tracker.get(other.id)).rejects.toThrow('away')
  store.channel = channel
  expect((await tracker.get(other.id))?.id).toBe(other.id)
})

test('drops the channel that was not used for longest, unless it is in use', async () => {
  const others = ['a', 'b', 'c'].map((name) => genesis(name))
  for (const other of others) await store.append(other, SELF, 1)
  const [a, b, c] = others.map(({ id }) => id) as [string, string, string]
  pinned.add(table.id)
  for (const id of [table.id, a, b, c]) await tracker.get(id)
  expect([table.id, a, b, c].map((id) => tracker.peek(id) !== undefined)).toEqual([true, false, false, true])
})
