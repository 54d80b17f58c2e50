import { setImmediate as turn } from 'node:timers/promises'
import { decodeCursor, type Signer, signGenesis, signMessage, VersionVector } from '@dred/protocol'
import { Random } from '@dred/protocol/testing/random'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ChannelTracker } from './channel-tracker.ts'
import { Channels } from './channels.ts'
import { Incarnation } from './incarnation.ts'
import { readForward } from './log-reader.ts'
import { ChannelMembers } from './members/channel-members.ts'
import { Membership } from './membership.ts'
import { RecentEntries } from './recent-entries.ts'
import type { Store } from './store/port.ts'
import { openSqliteStore } from './store/sqlite.ts'
import { at, message } from './store/testing/samples.ts'
import { jitteryStore } from './testing/jittery-store.ts'
import { MemoryRegistry, registeredServer } from './testing/registry-view.ts'
import { testSigner } from './testing/test-node.ts'

const NOW = 1_700_000_000_000

let memory: Store
let tracker: ChannelTracker
let channels: Channels
let recent: RecentEntries
let published: boolean[]
let now: number
let signer: Signer
let admitted: (readonly string[])[]
let admit: () => Promise<void>
let channel: string

function assemble(store: Store): void {
  published = []
  admitted = []
  admit = async () => undefined
  recent = new RecentEntries({ count: 100, bytes: 1_000_000, ageMs: 5_000 })
  tracker = new ChannelTracker(store, { capacity: 10, pinned: () => false })
  const registry = new MemoryRegistry()
  channels = new Channels({
    store,
    registry,
    membership: new Membership(registry, { server: 1, keyId: registeredServer(1).keyId }),
    access: { assert: async () => undefined },
    members: new ChannelMembers(store, tracker),
    tracker,
    incarnation: new Incarnation(1, new VersionVector(), () => 1_000),
    recent,
    now: () => now,
    clock: () => now * 1_000,
    admit: (missing) => {
      admitted.push(missing)
      return admit()
    },
    onPublished: (created) => published.push(created),
  })
}

beforeEach(async () => {
  now = NOW
  memory = await openSqliteStore({ path: ':memory:' })
  signer = await testSigner()
  const fields = { neighborhood: '1', createdAt: NOW, salt: new Uint8Array(16), lifetimeMs: 60_000, idleMs: 120_000 }
  const { id, genesis } = await signGenesis(signer, fields)
  assemble(memory)
  await channels.create(id, genesis)
  channel = id
})
afterEach(async () => {
  tracker.close()
  await memory.close()
})

const sign = async (value: unknown, { sentAt = now, prev }: { sentAt?: number; prev?: string[] } = {}) =>
  (await signMessage(signer, channel, { message: value, sentAt, ...(prev === undefined ? {} : { prev }) })).signed

async function idsAfter(cursor: string): Promise<string[]> {
  const ids = []
  for await (const { entry } of readForward(memory, channel, decodeCursor(channel, cursor))) ids.push(entry.id)
  return ids
}

describe('the cursor that a publisher gets', () => {
  test.each([1, 2, 3, 4, 5])('covers nothing that was logged after its message, however announcements come (seed %i)', async (seed) => {
    tracker.close()
    const store = jitteryStore(memory, new Random(seed))
    assemble(store)
    const bodies = await Promise.all(Array.from({ length: 20 }, (_, i) => sign(i)))
    const peer = Array.from({ length: 10 }, (_, i) => at(message(channel, `peer ${i}`, { sentAt: NOW }), [2, 7, i + 1]))
    const replicated = (async () => {
      for (const entry of peer) await store.replicate(entry)
    })()
    // A client that got no answer posts again.
    const results = await Promise.all([...bodies, ...bodies].map((body) => channels.publish(channel, body)))
    await replicated
    const log = await idsAfter(`1.${channel.slice(0, 12)}.`)
    expect(log).toHaveLength(30)
    for (const { accepted, cursor } of results) {
      const { id } = accepted
      const following = await idsAfter(cursor)
      expect(following).not.toContain(id)
      expect(following).toEqual(expect.arrayContaining(log.slice(log.indexOf(id) + 1)))
    }
  })

  test('is the very place behind it when nothing else happens', async () => {
    const { cursor } = await channels.publish(channel, await sign('only'))
    expect(cursor).toBe((await channels.describe(channel)).cursor)
  })

  test('of a message that was there leads on from there too', async () => {
    const body = await sign('first')
    const { accepted } = await channels.publish(channel, body)
    const second = await channels.publish(channel, await sign('second'))
    const again = await channels.publish(channel, body)
    expect(again).toMatchObject({ accepted: { id: accepted.id }, created: false })
    expect(await idsAfter(again.cursor)).toEqual([second.accepted.id])
    expect(published).toEqual([true, true, false])
  })
})

describe('dates', () => {
  test('a message is taken until its lifetime is over and from the clock skew on', async () => {
    for (const [sentAt, code] of [
      [NOW - 60_000, 'message_expired'],
      [NOW + 300_001, 'clock_skew'],
    ] as const) {
      await expect(channels.publish(channel, await sign('x', { sentAt }))).rejects.toMatchObject({ code })
    }
    for (const sentAt of [NOW - 59_999, NOW + 300_000])
      expect(await channels.publish(channel, await sign('x', { sentAt }))).toMatchObject({ created: true })
  })

  test('each message prolongs its channel', async () => {
    now += 100_000
    await channels.publish(channel, await sign('in time'))
    expect((await channels.describe(channel)).expiresAt).toBe(NOW + 220_000)
    now = NOW + 219_999
    await channels.publish(channel, await sign('just in time'))
    now += 120_000
    await expect(channels.publish(channel, await sign('too late'))).rejects.toMatchObject({ code: 'channel_expired' })
    await expect(channels.describe(channel)).rejects.toMatchObject({ code: 'channel_expired' })
  })
})

test('only what was stored anew is remembered for a store that loses its tail', async () => {
  const body = await sign('x')
  await channels.publish(channel, body)
  await channels.publish(channel, body)
  // The channel's genesis and the message.
  expect(recent.size).toBe(2)
})

describe('a message that follows others', () => {
  const missing = 'M'.repeat(43)

  test('is stored at once when they are here', async () => {
    const { accepted } = await channels.publish(channel, await sign('first'))
    await channels.publish(channel, await sign('second', { prev: [accepted.id] }))
    expect(admitted).toEqual([])
  })

  test('of a batch waits no longer because others wait, and is still stored in its turn', async () => {
    const releases: (() => void)[] = []
    admit = () => new Promise((release) => releases.push(release))
    const bodies = [1, 2, 3].map(async (i) => {
      const prev = [message(channel, `never came ${i}`).id]
      return (await signMessage(signer, channel, { message: i, sentAt: NOW, prev })).signed
    })
    const publishing = channels.publishAll(channel, await Promise.all(bodies))
    await expect.poll(() => releases.length).toBe(3)
    for (const release of releases.toReversed()) {
      release()
      await turn()
    }
    const counts = (await publishing).map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.accepted.n : outcome.reason))
    expect(counts).toEqual([2, 3, 4])
  })

  test('waits to be admitted when some are not, and has the time at which it was', async () => {
    const { accepted: first } = await channels.publish(channel, await sign('first'))
    let release = (): void => undefined
    admit = () =>
      new Promise((resolve) => {
        release = resolve
      })
    const waiting = channels.publish(channel, await sign('second', { prev: [missing, first.id] }))
    while (admitted.length === 0) await turn()
    const { accepted: other } = await channels.publish(channel, await sign('other'))
    now += 5
    release()
    const { accepted } = await waiting
    expect(admitted).toEqual([[missing]])
    expect([first.n, other.n, accepted.n]).toEqual([2, 3, 4])
    expect(accepted.acceptedAt).toBe(NOW + 5)
    const [read] = await memory.readBackward(channel, await memory.vector(), { limit: 1 })
    expect(read?.entry).toMatchObject({ id: accepted.id, clock: (NOW + 5) * 1_000 })
  })
})
