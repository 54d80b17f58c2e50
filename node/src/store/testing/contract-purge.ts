import { VersionVector } from '@dred/protocol'
import { expect, it } from 'vitest'
import { EXPIRED_CHANNEL_KEPT_MS, EXPIRED_MESSAGES_KEPT_MS } from '../entries.ts'
import type { Entry, Store } from '../port.ts'
import { at, channel, genesis, ids, message, ownOrigin, self } from './samples.ts'

export function purging(store: () => Store): void {
  const short = message(channel.id, 'short', { sentAt: 1_000, lifetimeMs: 1_000 })
  const long = message(channel.id, 'long', { sentAt: 1_000, lifetimeMs: 50_000 })

  it('deletes what expired, keeps the vectors and remembers what is gone', async () => {
    await store().append(channel, self, 1)
    await store().append(short, self, 1)
    await store().append(long, self, 1)
    expect(await store().purge(short.expiresAt)).toBe(0)
    expect(await store().purge(short.expiresAt + 1)).toBe(1)
    expect(await store().purge(short.expiresAt + 1)).toBe(0)
    expect(ids(await store().readForward(channel.id, new VersionVector(), { limit: 10 }))).toEqual([long.id])
    const state = await store().channel(channel.id)
    expect(state?.messages).toBe(1)
    expect(state?.vector.toData()).toEqual({ [ownOrigin]: [3] })
    expect((await store().vector()).toData()).toEqual({ [ownOrigin]: [3] })
    expect((await store().purged(channel.id)).toData()).toEqual({ [ownOrigin]: [2] })
    const kinds = (await store().readOrigin({ ...self, from: 1, to: 3 }, 10)).map(({ kind, coordinate }) => [kind, coordinate.n])
    expect(kinds).toEqual([
      ['genesis', 1],
      ['gone', 2],
      ['message', 3],
    ])
    expect(await store().append(message(channel.id, 'next'), self, 2)).toMatchObject({ created: true, coordinate: { n: 4 } })
  })

  it('tells what is gone from what is kept below it', async () => {
    await store().append(channel, self, 1)
    await store().append(long, self, 1)
    await store().append(short, self, 1)
    await store().purge(short.expiresAt + 1)
    const gone = await store().purged(channel.id)
    expect(gone.toData()).toEqual({ [ownOrigin]: [0, 3] })
    expect(ids(await store().readForward(channel.id, gone, { limit: 10 }))).toEqual([long.id])
    await store().purge(long.expiresAt + 1)
    expect((await store().purged(channel.id)).toData()).toEqual({ [ownOrigin]: [3] })
  })

  it('gives runs of what is gone as one entry, also at the end', async () => {
    for (const n of [1, 2, 3, 4, 5])
      await store().replicate(at(message(channel.id, `${n}`, { lifetimeMs: n === 3 ? 90_000 : 1 }), [1, 1, n]))
    await store().purge(10_000)
    const read = async (from: number, to: number, limit = 10) =>
      (await store().readOrigin({ server: 1, incarnation: 1, from, to }, limit)).map(({ kind, coordinate }) => [kind, coordinate.n])
    expect(await read(1, 9)).toEqual([
      ['gone', 2],
      ['message', 3],
      ['gone', 5],
    ])
    expect(await read(2, 4)).toEqual([
      ['gone', 2],
      ['message', 3],
      ['gone', 4],
    ])
    expect(await read(1, 9, 1)).toEqual([['gone', 2]])
    expect(await read(1, 9, 2)).toEqual([
      ['gone', 2],
      ['message', 3],
    ])
  })

  it('does not count as purged what may still come', async () => {
    const texts = (n: number, lifetimeMs: number) => at(message(channel.id, `${n}`, { sentAt: 1_000, lifetimeMs }), [1, 1, n])
    await store().append(channel, self, 1)
    for (const entry of [texts(1, 1_000), texts(3, 1_000), texts(5, 90_000)]) await store().replicate(entry)
    await store().purge(2_001)
    const gone = async () => (await store().purged(channel.id)).toData()
    expect(await gone()).toEqual({ '1-1': [1, 3] })
    await store().replicate(texts(2, 50_000))
    expect(await gone()).toEqual({ '1-1': [1, 3] })
    expect(ids(await store().readForward(channel.id, await store().purged(channel.id), { limit: 10 }))).toHaveLength(2)
    await store().purge(51_001)
    expect(await gone()).toEqual({ '1-1': [3] })
    await store().purge(91_001)
    expect(await gone()).toEqual({ '1-1': [3, 5] })
    await store().replicate(texts(4, 1_000))
    expect(await gone()).toEqual({ '1-1': [5] })
  })

  it('tells up to where nothing is kept of an origin', async () => {
    const entry = (n: number, lifetimeMs: number) => at(message(channel.id, `${n}`, { sentAt: 1_000, lifetimeMs }), [1, 1, n])
    expect(await store().floors()).toEqual({})
    for (const kept of [entry(1, 1_000), entry(2, 2_000), entry(3, 1_000), entry(4, 3_000), entry(6, 1_000)]) await store().replicate(kept)
    await store().append(channel, self, 1)
    await store().replicate(at(entry(2, 2_000), [2, 1, 1]))
    expect(await store().floors()).toEqual({})
    await store().purge(2_001)
    expect(await store().floors()).toEqual({ '1-1': 1 })
    await store().purge(3_001)
    expect(await store().floors()).toEqual({ '1-1': 3, '2-1': 1 })
    await store().purge(4_001)
    expect(await store().floors()).toEqual({ '1-1': 4, '2-1': 1 })
    await store().replicate({ kind: 'gone', coordinate: { server: 1, incarnation: 1, n: 5 }, from: 5 })
    expect(await store().floors()).toEqual({ '1-1': 6, '2-1': 1 })
  })

  it('does not let an expired message in again', async () => {
    await store().append(channel, self, 1)
    await store().append(short, self, 1)
    await store().purge(short.expiresAt + 1)
    const announced: Entry[] = []
    store().onAppended((entry) => announced.push(entry))
    expect(await store().replicate(at(short, [1, 1, 1]))).toBe('stored')
    await expect(store().append(short, self, 3)).rejects.toMatchObject({ code: 'message_expired' })
    expect((await store().vector()).toData()).toEqual({ '1-1': [1], [ownOrigin]: [2] })
    expect(await store().readForward(channel.id, new VersionVector(), { limit: 10 })).toEqual([])
    expect((await store().purged(channel.id)).toData()).toEqual({ '1-1': [1], [ownOrigin]: [2] })
    expect((await store().channel(channel.id))?.messages).toBe(0)
    expect(announced).toEqual([])
    expect(await store().append(message(channel.id, 'next', { sentAt: 3_000 }), self, 4)).toMatchObject({ coordinate: { n: 3 } })
  })

  it('forgets a channel that was idle too long at once, and its messages a while later', async () => {
    const idle = genesis('idle', { createdAt: 1_000, idleMs: 500 })
    const last = message(idle.id, 'last', { sentAt: 2_000, lifetimeMs: 90_000_000 })
    await store().append(idle, self, 1)
    await store().append(last, self, 1)
    expect(await store().purge(2_500)).toBe(0)
    expect(await store().purge(2_501)).toBe(1)
    expect(await store().channel(idle.id)).toBeUndefined()
    expect((await store().channels(undefined, { limit: 10 })).found).toEqual([])
    await expect(store().append(idle, self, 3)).rejects.toMatchObject({ code: 'channel_expired' })
    await expect(store().append(message(idle.id, 'late', { sentAt: 2_000 }), self, 3)).rejects.toMatchObject({ code: 'channel_expired' })
    expect(await store().purge(2_501 + EXPIRED_MESSAGES_KEPT_MS)).toBe(0)
    expect(await store().purge(2_502 + EXPIRED_MESSAGES_KEPT_MS)).toBe(1)
    expect(await store().readForward(idle.id, new VersionVector(), { limit: 10 })).toEqual([])
    expect((await store().purged(idle.id)).toData()).toEqual({ [ownOrigin]: [2] })
    expect((await store().vector()).toData()).toEqual({ [ownOrigin]: [2] })
    expect(await store().replicate(at(idle, [1, 1, 1]))).toBe('stored')
    expect(await store().channel(idle.id)).toBeUndefined()
  })

  it('brings a channel back, with all its messages, once one shows that it lived on elsewhere', async () => {
    const idle = genesis('idle', { createdAt: 1_000, idleMs: 500 })
    const times = [1_200, 1_600, 2_000, 2_300]
    const messages = times.map((sentAt) => message(idle.id, `sent at ${sentAt}`, { sentAt }))
    const [first, ...rest] = messages
    await store().append(idle, self, 1)
    if (first) await store().append(first, self, 1)
    await store().purge(2_600)
    for (const [i, entry] of rest.entries()) {
      expect(await store().channel(idle.id)).toBeUndefined()
      await store().replicate(at(entry, [1, 1, i + 1]))
    }
    expect(await store().channel(idle.id)).toMatchObject({ genesis: idle.genesis, messages: 4, lastActivityAt: 2_300 })
    expect((await store().channels(undefined, { limit: 10 })).found.map(({ id }) => id)).toEqual([idle.id])
    expect(ids(await store().readForward(idle.id, new VersionVector(), { limit: 10 }))).toEqual(messages.map(({ id }) => id))
    expect(await store().purge(2_800)).toBe(0)
    expect(await store().purge(2_801)).toBe(1)
  })

  it('keeps what comes late for an expired channel as long as the rest may take', async () => {
    const idle = genesis('idle', { createdAt: 1_000, idleMs: 500 })
    await store().append(idle, self, 1)
    await store().purge(2_000)
    await store().purge(2_000 + EXPIRED_MESSAGES_KEPT_MS)
    await store().replicate(at(message(idle.id, 'late', { sentAt: 1_300, lifetimeMs: 90_000_000 }), [1, 1, 1]))
    expect(await store().purge(2_000 + 2 * EXPIRED_MESSAGES_KEPT_MS)).toBe(0)
    expect(await store().purge(2_001 + 2 * EXPIRED_MESSAGES_KEPT_MS)).toBe(1)
  })

  it('forgets everything of an expired channel in the end, but never a count', async () => {
    const idle = genesis('idle', { createdAt: 1_000, idleMs: 500 })
    await store().append(idle, self, 1)
    await store().append(message(idle.id, 'first', { sentAt: 1_100 }), self, 1)
    await store().replicate(at(idle, [1, 1, 1]))
    await store().purge(2_000)
    await store().purge(2_000 + EXPIRED_CHANNEL_KEPT_MS)
    expect((await store().purged(idle.id)).toData()).toEqual({ [ownOrigin]: [2] })
    const kinds = async (origin: { server: number; incarnation: number }) =>
      (await store().readOrigin({ ...origin, from: 1, to: 9 }, 9)).map(({ kind, coordinate }) => [kind, coordinate.n])
    expect(await kinds(self)).toEqual([
      ['genesis', 1],
      ['gone', 2],
    ])
    await store().purge(2_001 + EXPIRED_CHANNEL_KEPT_MS)
    expect((await store().purged(idle.id)).toData()).toEqual({})
    expect(await kinds(self)).toEqual([['gone', 2]])
    expect(await kinds({ server: 1, incarnation: 1 })).toEqual([['gone', 1]])
    expect(await store().append(idle, self, 2)).toMatchObject({ created: true, coordinate: { n: 3 } })
    expect((await store().channel(idle.id))?.vector.toData()).toEqual({})
    expect(await kinds(self)).toEqual([
      ['gone', 2],
      ['genesis', 3],
    ])
    expect(await kinds({ server: 1, incarnation: 1 })).toEqual([['gone', 1]])
  })

  it('purges thousands of entries in one call', async () => {
    const idle = genesis('idle', { createdAt: 1_000, idleMs: 500 })
    const messages = Array.from({ length: 1_300 }, (_, i) =>
      message(i % 2 ? idle.id : channel.id, `${i}`, { sentAt: 1_000, lifetimeMs: 200 }),
    )
    await Promise.all([channel, idle, ...messages].map((entry) => store().append(entry, self, 1)))
    expect(await store().purge(2_000)).toBe(1_301)
    expect((await store().channel(channel.id))?.messages).toBe(0)
    expect((await store().readOrigin({ ...self, from: 3, to: 2_000 }, 10)).map(({ kind, coordinate }) => [kind, coordinate.n])).toEqual([
      ['gone', 1_302],
    ])
  })
}
