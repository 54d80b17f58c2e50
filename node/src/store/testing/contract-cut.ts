import { VersionVector } from '@dred/protocol'
import { expect, it } from 'vitest'
import type { Store } from '../port.ts'
import { at, channel, control, genesis, ids, message, ownOrigin, self } from './samples.ts'

export function cutting(store: () => Store): void {
  const other = genesis('another channel')
  const log = async (id: string): Promise<string[]> => ids(await store().readForward(id, new VersionVector(), { limit: 1_000 }))
  const append = async (id: string, count: number, { sentAt = 2_000 } = {}): Promise<string[]> => {
    const entries = Array.from({ length: count }, (_, i) => message(id, `${sentAt} ${i}`, { sentAt }))
    for (const entry of entries) await store().append(entry, self, 1)
    return entries.map((entry) => entry.id)
  }
  const bytesOf = (entry: { canonical: string }): number => Buffer.byteLength(entry.canonical)

  it('keeps so many messages of each channel, the latest', async () => {
    await store().append(channel, self, 1)
    await store().append(other, self, 1)
    const [mine, theirs] = [await append(channel.id, 5), await append(other.id, 2)]
    expect(await store().cut({ maxMessages: 3 }, 3_000)).toBe(2)
    expect(await store().cut({ maxMessages: 3 }, 3_000)).toBe(0)
    expect([await log(channel.id), await log(other.id)]).toEqual([mine.slice(2), theirs])
    expect(await store().channel(channel.id)).toMatchObject({ messages: 3 })
    expect(await store().account()).toMatchObject({ messages: 5, channels: 2 })
  })

  it('says that what was cut is gone, as of what expired', async () => {
    await store().append(channel, self, 1)
    await append(channel.id, 4)
    await store().cut({ maxMessages: 1 }, 3_000)
    expect((await store().purged(channel.id)).toData()).toEqual({ [ownOrigin]: [4] })
    expect((await store().vector()).toData()).toEqual({ [ownOrigin]: [5] })
    const kinds = (await store().readOrigin({ ...self, from: 1, to: 9 }, 9)).map(({ kind, coordinate }) => [kind, coordinate.n])
    expect(kinds).toEqual([
      ['genesis', 1],
      ['gone', 4],
      ['message', 5],
    ])
    expect(await store().replicate(at(message(channel.id, 'theirs'), [1, 1, 1]))).toBe('stored')
    await store().cut({ maxMessages: 0 }, 3_000)
    expect(await store().floors()).toEqual({ '1-1': 1 })
  })

  it('keeps so many bytes of each channel, counted as UTF-8', async () => {
    const entries = Array.from({ length: 6 }, (_, i) => message(channel.id, `${i}${'ü€'.repeat(10 * i)}`))
    await store().append(channel, self, 1)
    for (const entry of entries) await store().append(entry, self, 1)
    const [fourth = 0, fifth = 0, sixth = 0] = entries.slice(3).map(bytesOf)
    expect(await store().cut({ maxBytes: fourth + fifth + sixth - 1 }, 3_000)).toBe(4)
    expect(await store().account()).toEqual({ messages: 2, bytes: fifth + sixth, channels: 1 })
    expect(await log(channel.id)).toEqual(entries.slice(4).map(({ id }) => id))
  })

  it('keeps so much of all channels, also of those of which only messages are known', async () => {
    await store().append(channel, self, 1)
    const unknown = await append(other.id, 2)
    const known = await append(channel.id, 2, { sentAt: 2_100 })
    expect(await store().cut({ totalMessages: 3 }, 3_000)).toBe(1)
    expect([await log(other.id), await log(channel.id)]).toEqual([unknown.slice(1), known])
    const { bytes } = await store().account()
    expect(await store().cut({ totalBytes: bytes - 1 }, 3_000)).toBe(1)
    expect([await log(other.id), await log(channel.id)]).toEqual([[], known])
    expect(await store().cut({}, 3_000)).toBe(0)
  })

  it('counts control messages and keeps them', async () => {
    const invitation = control(channel.id, 'invite')
    const entries = [message(channel.id, 'first'), invitation, message(channel.id, 'second')]
    await store().append(channel, self, 1)
    for (const entry of entries) await store().append(entry, self, 1)
    expect(await store().cut({ maxMessages: 2 }, 3_000)).toBe(1)
    expect(await store().cut({ maxMessages: 0, totalBytes: 0, maxLifetimeMs: 1, maxIdleMs: 1 }, 9_000)).toBe(1)
    expect(await log(channel.id)).toEqual([invitation.id])
    expect(await store().account()).toEqual({ messages: 1, bytes: bytesOf(invitation), channels: 1 })
    const [next] = await append(channel.id, 1, { sentAt: 2_500 })
    expect(await store().cut({ maxMessages: 2 }, 3_000)).toBe(0)
    expect(await log(channel.id)).toEqual([invitation.id, next])
  })

  it('deletes what was sent too long ago, and all of a channel that has been idle', async () => {
    await store().append(channel, self, 1)
    await store().append(other, self, 1)
    await append(channel.id, 2, { sentAt: 2_000 })
    await append(other.id, 1, { sentAt: 2_000 })
    const latest = await append(channel.id, 1, { sentAt: 4_000 })
    expect(await store().cut({ maxIdleMs: 1_000 }, 3_000)).toBe(0)
    expect(await store().cut({ maxIdleMs: 1_000 }, 3_001)).toBe(1)
    expect(await log(other.id)).toEqual([])
    expect(await store().channel(other.id)).toMatchObject({ messages: 0 })
    expect(await store().cut({ maxLifetimeMs: 1_000 }, 3_000)).toBe(0)
    expect(await store().cut({ maxLifetimeMs: 1_000 }, 3_001)).toBe(2)
    expect(await log(channel.id)).toEqual(latest)
  })

  it('cuts thousands of messages in one call, and of hundreds of channels', async () => {
    const channels = Array.from({ length: 450 }, (_, i) => genesis(`channel ${i}`))
    const entries = [...channels, ...channels.flatMap(({ id }) => [message(id, '1'), message(id, '2')])]
    const many = Array.from({ length: 700 }, (_, i) => message(channel.id, `${i}`))
    await Promise.all([channel, ...entries, ...many].map((entry) => store().append(entry, self, 1)))
    expect(await store().cut({ maxMessages: 1 }, 3_000)).toBe(450 + 699)
    expect(await store().account()).toMatchObject({ messages: 451, channels: 451 })
    expect(await store().cut({ totalMessages: 10 }, 3_000)).toBe(441)
  })

  it('counts what expires and what comes in again', async () => {
    await store().append(channel, self, 1)
    const entry = message(channel.id, 'again')
    await store().append(entry, self, 1)
    await store().append(message(channel.id, 'short', { lifetimeMs: 1_000 }), self, 1)
    await store().purge(3_001)
    expect(await store().account()).toEqual({ messages: 1, bytes: bytesOf(entry), channels: 1 })
    await store().cut({ totalMessages: 0 }, 3_001)
    expect(await store().account()).toEqual({ messages: 0, bytes: 0, channels: 1 })
    expect(await store().append(entry, self, 2)).toMatchObject({ created: true })
    expect(await store().account()).toEqual({ messages: 1, bytes: bytesOf(entry), channels: 1 })
  })
}
