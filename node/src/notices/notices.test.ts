import { afterEach, describe, expect, it, vi } from 'vitest'
import { memoryBus } from '../testing/memory-bus.ts'
import { openLossyStore } from '../testing/lossy-store.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { Store } from '../store/port.ts'
import { noBus, type Bus } from '../processes/bus.ts'
import { ServerNotices } from './notices.ts'
import type { Notice } from './port.ts'

const DAY_MS = 86_400_000
const opened: { stop(): void }[] = []
afterEach(() => {
  for (const notices of opened.splice(0)) notices.stop()
})

let clock = 1_000_000
async function start(store: Store, { bus = noBus, now = () => clock }: { bus?: Bus; now?: () => number } = {}): Promise<ServerNotices> {
  const notices = new ServerNotices({ store, bus, now, expireEveryMs: 5 })
  opened.push(notices)
  for (const kind of ['presence', 'revocation'] as const) {
    notices.register(kind, async (text) => {
      if (text === 'bad') throw new Error('does not hold')
      return JSON.parse(text) as Notice
    })
  }
  await notices.start()
  return notices
}

function notice(about: string, fields: Partial<Notice> = {}): Notice {
  const statement = { kind: 'presence' as const, about, at: 1, expiresAt: clock + 60_000, ...fields }
  return { ...statement, text: fields.text ?? JSON.stringify({ ...statement, text: '' }) }
}

/** As a peer sends it; the judge here reads the text. */
function textOf(fields: Notice): string {
  return JSON.stringify({ ...fields, text: '' })
}

const memory = () => openSqliteStore({ path: ':memory:' })

describe('notices', () => {
  it('are told once to those who listen to their kind, and once more when they end', async () => {
    const notices = await start(await memory())
    const heard: [string, boolean][] = []
    const stop = notices.on('presence', ({ about }, ended) => heard.push([about, ended]))
    await notices.take(notice('c/1', { expiresAt: clock + 30 }))
    await notices.take(notice('c/1', { expiresAt: clock + 30 }))
    await notices.take(notice('w/1', { kind: 'revocation' }))
    expect(heard).toEqual([['c/1', false]])
    clock += 30
    expect([notices.get('presence', 'c/1'), notices.about('presence', 'c/')]).toEqual([undefined, []])
    await vi.waitFor(() =>
      expect(heard).toEqual([
        ['c/1', false],
        ['c/1', true],
      ]),
    )
    stop()
    await notices.take(notice('c/2'))
    expect(heard).toHaveLength(2)
  })

  it('of a peer are judged, and dropped where they do not hold', async () => {
    const notices = await start(await memory())
    const first = notice('c/1')
    const away: unknown[] = []
    notices.onNew((_, from) => away.push(from))
    notices.heard(7, 'presence', 'bad')
    notices.heard(7, 'presence', textOf({ ...notice('c/2'), kind: 'revocation' }))
    notices.heard(7, 'presence', textOf({ ...notice('c/3'), expiresAt: clock }))
    notices.heard(7, 'presence', textOf({ ...notice('c/4'), expiresAt: clock + 33 * DAY_MS }))
    notices.heard(7, 'kind_of_tomorrow', '{}')
    notices.heard(7, 'presence', textOf(first))
    await vi.waitFor(() => expect(notices.get('presence', 'c/1')).toBeDefined())
    expect(notices.statistics()).toEqual({ held: 1, taken: 1, dropped: 4 })
    expect(away).toEqual([7])
    expect(notices.about('presence', 'c/')).toHaveLength(1)
  })

  it('are judged once, however often and by whom they are said again', async () => {
    const notices = await start(await memory())
    let judged = 0
    notices.register('presence', async (text) => {
      judged++
      return JSON.parse(text) as Notice
    })
    const text = textOf(notice('c/1'))
    for (let i = 0; i < 3; i++) notices.heard(7, 'presence', text)
    await vi.waitFor(() => expect(notices.get('presence', 'c/1')).toBeDefined())
    for (const peer of [7, 8]) notices.heard(peer, 'presence', text)
    notices.heard(8, 'presence', textOf(notice('c/2')))
    await vi.waitFor(() => expect(notices.get('presence', 'c/2')).toBeDefined())
    expect(judged).toBe(2)
  })

  it('of a peer that sends too much are dropped, and those of others are not', async () => {
    const notices = await start(await memory())
    const long = (i: number) => textOf({ ...notice(`c/${i}`), text: `${i}`.padEnd(8_000) })
    for (let i = 0; i < 300; i++) notices.heard(7, 'presence', `${long(i)}${' '.repeat(8_000)}`)
    notices.heard(8, 'presence', textOf(notice('d/1')))
    await vi.waitFor(() => expect(notices.get('presence', 'd/1')).toBeDefined())
    await vi.waitFor(() => expect(notices.statistics().dropped + notices.statistics().taken).toBe(301))
    expect(notices.statistics().dropped).toBeGreaterThan(100)
    expect(notices.statistics().taken).toBeGreaterThan(100)
  })

  it('are refused where there is no room, or where they are too long for peers', async () => {
    const notices = await start(await memory())
    for (let i = 0; i < 1_000; i++) await notices.take(notice(`c/${i}`))
    await expect(notices.take(notice('c/1000'))).rejects.toMatchObject({ code: 'rate_limited' })
    await notices.take(notice('d/1'))
    await expect(notices.take(notice('e/1', { text: '€'.repeat(2_731) }))).rejects.toMatchObject({ code: 'body_too_large' })
    for (let i = 0; i < 33; i++) {
      for (let j = 0; j < 200 && i < 23; j++)
        await notices.take(notice(`x${j}/y${i}`, { text: `${i} ${j}`.padEnd(8_192) })).catch(() => undefined)
    }
    await expect(notices.take(notice('z/1', { text: 'z'.padEnd(8_192) }))).rejects.toMatchObject({ code: 'storage_full' })
  })
})

describe('notices that are kept', () => {
  const revocation = (about: string, fields: Partial<Notice> = {}) =>
    notice(about, { kind: 'revocation', expiresAt: clock + DAY_MS, ...fields })

  it('are there after a restart, others are not', async () => {
    const store = await memory()
    const before = await start(store)
    await before.take(revocation('w/1'))
    await before.take(notice('c/1'))
    before.heard(7, 'revocation', textOf(revocation('w/2')))
    await vi.waitFor(async () => expect(await store.notices.all(0)).toHaveLength(2))
    before.stop()
    const after = await start(store)
    expect(after.get('revocation', 'w/1')).toEqual(revocation('w/1'))
    expect([after.about('revocation', 'w/').length, after.get('presence', 'c/1')]).toEqual([2, undefined])
  })

  it('are not acknowledged before they are stored, and are stored when the store is back', async () => {
    const store = await openLossyStore()
    const notices = await start(store)
    store.goAway()
    await expect(notices.take(revocation('w/1'))).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(notices.take(revocation('w/1'))).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(notices.get('revocation', 'w/1')).toBeDefined()
    await store.comeBack(0)
    await notices.take(revocation('w/1'))
    expect(await store.notices.all(0)).toHaveLength(1)
  })

  it('are stored again in a store that came back without them', async () => {
    const store = await openLossyStore()
    const notices = await start(store, { now: () => (clock += 300) })
    await notices.take(revocation('w/1'))
    store.goAway()
    await store.comeBack(0)
    expect(await store.notices.all(0)).toEqual([])
    await vi.waitFor(async () => expect(await store.notices.all(0)).toHaveLength(1))
  })

  it('leave the store when they have ended', async () => {
    const store = await memory()
    const notices = await start(store, { now: () => (clock += 3_000) })
    await notices.take(revocation('w/1', { expiresAt: clock + 30_000 }))
    await vi.waitFor(async () => expect(await store.notices.all(0)).toEqual([]))
  })
})

describe('the processes of a server', () => {
  it('tell each other what is new, once, and with where it came from', async () => {
    const [bus, store] = [memoryBus(), await memory()]
    const said: string[] = []
    const joined = bus.join()
    const publish: Bus['publish'] = (topic, text) => {
      said.push(topic)
      joined.publish(topic, text)
    }
    const [first, second] = [await start(store, { bus: bus.join() }), await start(store, { bus: { ...joined, publish } })]
    const heard: string[] = []
    second.on('presence', ({ about }) => heard.push(about))
    const toPeers: unknown[] = []
    second.onNew(({ about }, from) => toPeers.push([about, from]))
    await first.take(notice('c/1'))
    // Not as an answer to what the second asked when it started.
    await new Promise(setImmediate)
    expect(heard).toEqual(['c/1'])
    first.heard(7, 'presence', textOf(notice('c/2')))
    await vi.waitFor(() => expect(heard).toEqual(['c/1', 'c/2']))
    // Whoever has the links passes on what a client of another process handed over.
    expect(toPeers).toEqual([
      ['c/1', undefined],
      ['c/2', undefined],
    ])
    expect(said).toEqual(['notices-wanted'])
  })

  it('find what is kept in the store when one of them could not hear the others', async () => {
    const [bus, store] = [memoryBus(), await memory()]
    const returns: (() => void)[] = []
    const deaf: Bus = {
      publish: () => undefined,
      subscribe: () => () => undefined,
      onReturn: (listener) => {
        returns.push(listener)
        return () => undefined
      },
    }
    const [first, second] = [await start(store, { bus: bus.join() }), await start(store, { bus: deaf })]
    const toPeers: unknown[] = []
    second.onNew(({ about }, from) => toPeers.push([about, from]))
    await first.take(notice('w/1', { kind: 'revocation' }))
    expect(second.get('revocation', 'w/1')).toBeUndefined()
    for (const listener of returns) listener()
    await vi.waitFor(() => expect(second.get('revocation', 'w/1')).toBeDefined())
    expect(toPeers).toEqual([['w/1', undefined]])
  })

  it('tell one that comes later what holds', async () => {
    const [bus, store] = [memoryBus(), await memory()]
    const [first] = [await start(store, { bus: bus.join() }), await start(store, { bus: bus.join() })]
    for (let i = 0; i < 300; i++) await first.take(notice(`c/${i}`))
    const late = await start(store, { bus: bus.join() })
    await vi.waitFor(() => expect(late.about('presence', 'c/')).toHaveLength(300))
  })
})
