import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Notice } from '../notices/port.ts'
import { Cluster, type ClusterOptions, quick } from './testing/cluster.ts'

let cluster: Cluster
afterEach(() => cluster.close())

const patient = { replicator: { timings: { ...quick, noticeMs: 3_600_000 } } }

async function start(count: number, options: ClusterOptions = {}): Promise<void> {
  cluster = await Cluster.create(count, {
    prepare: (notices) => {
      notices.register('presence', async (text) => JSON.parse(text) as Notice)
      notices.register('revocation', async (text) => JSON.parse(text) as Notice)
    },
    ...options,
  })
  await cluster.start()
}

const linked = (id: number, ...peers: number[]) => vi.waitFor(() => expect(cluster.server(id).replicator.connected()).toEqual(peers), 5_000)
const arrives = (id: number, about: string) =>
  vi.waitFor(() => expect(cluster.server(id).notices.get('presence', about)).toBeDefined(), 5_000)

function notice(about: string, fields: Partial<Notice> = {}): Notice {
  const statement = { kind: 'presence' as const, about, at: Date.now(), expiresAt: Date.now() + 60_000, ...fields }
  return { ...statement, text: JSON.stringify({ ...statement, text: '' }) }
}

describe('notices', () => {
  it('go to all linked servers at once, and are sent on by none of them', async () => {
    await start(3, patient)
    await Promise.all([linked(1, 2, 3), linked(2, 1, 3), linked(3, 1, 2)])
    const latencies = (id: number) =>
      cluster
        .server(id)
        .replicator.statistics()
        .links.filter(({ roundTripMs }) => roundTripMs !== undefined)
    await vi.waitFor(() => expect([1, 2, 3].map((id) => latencies(id).length)).toEqual([2, 2, 2]), 5_000)
    await cluster.server(1).notices.take(notice('c/1'))
    await Promise.all([arrives(2, 'c/1'), arrives(3, 'c/1')])
    expect(cluster.server(2).notices.statistics()).toEqual({ held: 1, taken: 1, dropped: 0 })
  })

  it('come to whoever is linked later, however many', async () => {
    await start(2, patient)
    await linked(1, 2)
    await cluster.server(2).stop()
    for (let i = 0; i < 700; i++) await cluster.server(1).notices.take(notice(`c${i % 2}/${i}`))
    await cluster.server(2).start()
    await vi.waitFor(() => expect(cluster.server(2).notices.statistics().held).toBe(700), 10_000)
  })

  it('that were taken on both sides of a break are on both sides after it', async () => {
    await start(2, patient)
    await linked(1, 2)
    cluster.register([])
    await Promise.all([linked(1), linked(2)])
    await cluster.server(1).notices.take(notice('c/1'))
    await cluster.server(2).notices.take(notice('c/2'))
    cluster.register(cluster.servers)
    await Promise.all([arrives(2, 'c/1'), arrives(1, 'c/2')])
    expect([1, 2].map((id) => cluster.server(id).notices.statistics().held)).toEqual([2, 2])
  })

  it('are in force after a restart where they are kept', async () => {
    await start(2, patient)
    await linked(1, 2)
    const revocation = notice('w/1', { kind: 'revocation' })
    await cluster.server(1).notices.take(revocation)
    await vi.waitFor(async () => expect(await cluster.server(2).store.notices.all(0)).toHaveLength(1), 5_000)
    await cluster.server(1).stop()
    await cluster.server(2).stop()
    await cluster.server(2).start()
    expect(cluster.server(2).notices.get('revocation', 'w/1')).toMatchObject({ about: 'w/1' })
  })

  it('come to a server that has no link to who took them', async () => {
    await start(3)
    await Promise.all([linked(1, 2, 3), linked(2, 1, 3), linked(3, 1, 2)])
    // 1 dials 3, whose address now is that of nobody.
    await cluster.server(1).stop()
    cluster.blind(1, 3)
    await cluster.server(1).start()
    await linked(1, 2)
    await cluster.server(1).notices.take(notice('c/1'))
    await arrives(3, 'c/1')
    expect(cluster.server(3).replicator.connected()).toEqual([2])
    await cluster.server(3).notices.take(notice('c/2'))
    await arrives(1, 'c/2')
  })

  it('are passed on at once to who has no link to who said them', async () => {
    await start(3, patient)
    await linked(1, 2, 3)
    await cluster.server(1).stop()
    cluster.blind(1, 3)
    await cluster.server(1).start()
    await linked(1, 2)
    // As soon as it is known by a latency row that the link is gone.
    let taken = 0
    await vi.waitFor(async () => {
      await cluster.server(1).notices.take(notice(`c/${taken++}`))
      expect(cluster.server(3).notices.statistics().held).toBeGreaterThan(0)
    }, 10_000)
    await cluster.server(1).notices.take(notice('d/1'))
    await arrives(3, 'd/1')
    expect(cluster.server(3).replicator.connected()).toEqual([2])
  })

  it('that a server missed are said again', async () => {
    await start(2)
    await linked(1, 2)
    let deaf = true
    cluster.server(2).notices.register('presence', async (text) => {
      if (deaf) throw new Error('not now')
      return JSON.parse(text) as Notice
    })
    await cluster.server(1).notices.take(notice('c/1'))
    await vi.waitFor(() => expect(cluster.server(2).notices.statistics().dropped).toBeGreaterThan(0), 5_000)
    deaf = false
    await arrives(2, 'c/1')
  })

  it('that hold for nobody end no link', async () => {
    await start(2, patient)
    await linked(1, 2)
    await cluster.server(1).notices.take({ ...notice('c/1'), text: 'no JSON' })
    await cluster.server(1).notices.take(notice('c/2'))
    await arrives(2, 'c/2')
    expect(cluster.server(2).notices.statistics()).toEqual({ held: 1, taken: 1, dropped: 1 })
    expect(cluster.server(2).replicator.connected()).toEqual([1])
  })
})
