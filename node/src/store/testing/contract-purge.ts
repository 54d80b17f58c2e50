import { VersionVector } from '@dred/protocol'
import { expect, it } from 'vitest'
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

  it('deletes a channel that was idle too long, with its messages', async () => {
    const idle = genesis('idle', { createdAt: 1_000, idleMs: 500 })
    const last = message(idle.id, 'last', { sentAt: 2_000, lifetimeMs: 90_000 })
    await store().append(idle, self, 1)
    await store().append(last, self, 1)
    expect(await store().purge(2_500)).toBe(0)
    expect(await store().purge(2_501)).toBe(2)
    expect(await store().channel(idle.id)).toBeUndefined()
    expect(await store().channels(undefined, 10)).toEqual([])
    expect(await store().readForward(idle.id, new VersionVector(), { limit: 10 })).toEqual([])
    expect((await store().vector()).toData()).toEqual({ [ownOrigin]: [2] })
    await expect(store().append(idle, self, 3)).rejects.toMatchObject({ code: 'channel_expired' })
    await expect(store().append(message(idle.id, 'late', { sentAt: 2_000 }), self, 3)).rejects.toMatchObject({ code: 'channel_expired' })
    expect(await store().replicate(at(last, [1, 1, 1]))).toBe('stored')
    expect(await store().replicate(at(idle, [1, 1, 2]))).toBe('stored')
    expect(await store().channel(idle.id)).toBeUndefined()
    expect(await store().purge(2_501)).toBe(0)
  })

  it('brings a channel back for a message that shows it lived on elsewhere', async () => {
    const idle = genesis('idle', { createdAt: 1_000, idleMs: 500 })
    await store().append(idle, self, 1)
    await store().append(message(idle.id, 'known', { sentAt: 1_200 }), self, 1)
    await store().purge(2_000)
    const proof = message(idle.id, 'proof', { sentAt: 1_900 })
    await store().replicate(at(proof, [1, 1, 1]))
    expect(await store().channel(idle.id)).toMatchObject({ genesis: idle.genesis, messages: 1, lastActivityAt: 1_900 })
    expect((await store().channels(undefined, 10)).map(({ id }) => id)).toEqual([idle.id])
    expect((await store().purged(idle.id)).toData()).toEqual({ [ownOrigin]: [2] })
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
