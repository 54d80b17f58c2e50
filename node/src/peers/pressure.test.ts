import { encodeFrame, type BodyEntry } from '@dred/protocol/relay'
import { afterEach, describe, expect, it } from 'vitest'
import type { Store } from '../store/port.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { eventually } from '../testing/eventually.ts'
import { quickRelay } from './testing/cluster.ts'
import { push, Stage } from './testing/stage.ts'

const MIB = 1_048_576

let stage: Stage
afterEach(() => stage.close())

const statistics = () => stage.server.replicator.statistics()
const queued = () => statistics().links[0]?.queuedBytes ?? 0
const patient = { pingMs: 60_000, silentMs: 60_000 }

/** Big messages of this many origins in turn, that the rogue passes on. */
async function big(count: number, origins = 1): Promise<BodyEntry[]> {
  const entries: BodyEntry[] = []
  for (let i = 0; i < count; i++) {
    const coordinate = { server: 1 + (i % origins), incarnation: 5, n: 1 + Math.floor(i / origins) }
    entries.push(
      await stage.wire(0, coordinate.server === Stage.server ? { ...coordinate, server: 99 } : coordinate, `${i} ${'x'.repeat(60_000)}`),
    )
  }
  return entries
}

describe('a peer that does not take what it is sent', () => {
  it('is not answered on and on: it is not listened to until it does', async () => {
    stage = await Stage.set(patient)
    const rogue = await stage.joined()
    rogue.stream.pause()
    const count = 500_000
    const ping = encodeFrame({ type: 'PING', at: 2 ** 52 })
    rogue.stream.write(Buffer.concat(Array<Uint8Array>(count).fill(ping)))
    await eventually(queued).toBeGreaterThan(4 * MIB)
    push(rogue, await stage.wire(1))
    const before = queued()
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(queued() - before).toBeLessThan(MIB)
    expect(await stage.vector()).toEqual({})
    rogue.stream.resume()
    await eventually(() => stage.vector()).not.toEqual({})
    await eventually(() => rogue.pongs).toBe(count)
  })

  it('is not sent one big answer after the other', async () => {
    stage = await Stage.set(patient)
    for (let i = 0; i < 8; i++) await stage.server.take(await stage.cluster.message(`${i} ${'x'.repeat(60_000)}`))
    const rogue = await stage.joined()
    rogue.stream.pause()
    const own = { server: Stage.server, incarnation: stage.server.incarnation, from: 1, to: 8 }
    for (let ticket = 0; ticket < 100; ticket++) rogue.send({ type: 'PULL', ticket, ...own })
    await eventually(queued).toBeGreaterThan(4 * MIB)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(queued()).toBeLessThan(10 * MIB)
    rogue.stream.resume()
    await eventually(() => rogue.heard.filter(({ type }) => type === 'BATCH').length).toBe(100)
  })

  it('gets no bodies pushed, and hears afterwards what it has missed', async () => {
    stage = await Stage.set(patient)
    const rogue = await stage.joined()
    const { incarnation } = stage.server
    await stage.server.take(await stage.cluster.message('first'))
    await rogue.next('MSG')
    rogue.stream.pause()
    for (let i = 0; i < 100; i++) await stage.server.take(await stage.cluster.message(`${i} ${'x'.repeat(60_000)}`))
    // 6 MB were to be sent.
    expect(queued()).toBeLessThan(MIB)
    expect(statistics().counters.demotions).toBe(1)
    rogue.stream.resume()
    await eventually(() =>
      rogue.heard.some((frame) => 'vector' in frame && (frame.vector[`${Stage.server}-${incarnation}`]?.[0] ?? 0) === 101),
    ).toBe(true)
  })
})

describe('a store that is slower than the peers', () => {
  it('slows them down instead of filling the memory, and nothing is refused', async () => {
    const inner = await openSqliteStore({ path: ':memory:' })
    const waiting: (() => void)[] = []
    let open = false
    const store = new Proxy(inner, {
      get: (_, name: keyof Store) => {
        if (name === 'replicate') {
          return async (entry: Parameters<Store['replicate']>[0]) => {
            if (!open) await new Promise<void>((resolve) => waiting.push(resolve))
            return inner.replicate(entry)
          }
        }
        const value: unknown = inner[name]
        return typeof value === 'function' ? value.bind(inner) : value
      },
    })
    // As if several peers were sending.
    const relay = { timings: { ...quickRelay, ...patient }, bounds: { senderBytes: 16 * MIB } }
    stage = await Stage.set(patient, { store, replicator: { relay } })
    const rogue = await stage.joined()
    for (const entry of await big(400, 8)) push(rogue, entry)
    await eventually(() => statistics().pendingBytes).toBeGreaterThan(8 * MIB)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(statistics().pendingBytes).toBeLessThan(12 * MIB)
    expect(statistics().counters.bodies).toBeLessThan(250)
    open = true
    for (const release of waiting.splice(0)) release()
    await eventually(() => stage.server.counts.stored).toBe(400)
    expect(statistics().counters.refused).toEqual({ quota: 0, ahead: 0 })
    expect(statistics().pendingBytes).toBe(0)
  })

  it.each([
    ['origin', 1, 4],
    ['peer', 8, 6],
  ])('does not take more of one %s than its share', async (_, origins, mebibytes) => {
    stage = await Stage.set(patient, { store: stalled(await openSqliteStore({ path: ':memory:' })) })
    const rogue = await stage.joined()
    for (const entry of await big(120, origins)) push(rogue, entry)
    expect(await rogue.next('NO')).toMatchObject({ reason: 'quota' })
    expect(statistics().pendingBytes).toBeLessThan(mebibytes * MIB)
  })
})

/** A store that never ends writing what peers send. */
function stalled(inner: Store): Store {
  return new Proxy(inner, {
    get: (_, name: keyof Store) => {
      if (name === 'replicate') return () => new Promise(() => undefined)
      const value: unknown = inner[name]
      return typeof value === 'function' ? value.bind(inner) : value
    },
  })
}
