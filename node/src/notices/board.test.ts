import { describe, expect, it } from 'vitest'
import { notice as of } from '../store/testing/contract-notices.ts'
import { Board } from './board.ts'
import type { Notice } from './port.ts'
import { ownClients, type RoomLimits } from './room.ts'

const bounds = (count: number, bytes = 1_000_000) => ({ count, bytes })
const wide: RoomLimits = { own: bounds(100), peer: bounds(100), peers: bounds(100), parts: [100, 100] }
const board = (limits: Partial<RoomLimits> = {}, now = 0) => new Board({ presence: { ...wide, ...limits }, revocation: wide }, now)
const notice = (about: string, at: number, fields: Partial<Notice> = {}) => of(about, at, { kind: 'presence', ...fields })
const { outcome: fresh } = { outcome: 'new' as const }

describe('a board', () => {
  it('holds the latest about a thing, whatever came first', () => {
    const held = board()
    expect(held.post(notice('a/1', 2), 1, 0)).toEqual({ outcome: fresh, replaced: undefined })
    expect(held.post(notice('a/1', 1), 2, 0).outcome).toBe('known')
    expect(held.post(notice('a/1', 2), 2, 0).outcome).toBe('known')
    expect(held.post(notice('a/1', 3), 2, 0)).toEqual({ outcome: fresh, replaced: notice('a/1', 2) })
    expect(held.get('presence', 'a/1')).toEqual(notice('a/1', 3))
    expect(held.get('revocation', 'a/1')).toBeUndefined()
    expect([held.size, held.has('presence', notice('a/1', 2).text), held.has('presence', notice('a/1', 3).text)]).toEqual([1, false, true])
  })

  it('finds what begins alike', () => {
    const held = board()
    for (const about of ['a/1', 'a/2', 'ab/1', 'b/1']) held.post(notice(about, 1), 1, 0)
    const abouts = (prefix: string) => held.about('presence', prefix).map(({ about }) => about)
    expect([abouts('a/'), abouts('a'), abouts('a/2'), abouts('c/'), abouts('')]).toEqual([
      ['a/1', 'a/2'],
      ['a/1', 'a/2', 'ab/1'],
      ['a/2'],
      [],
      ['a/1', 'a/2', 'ab/1', 'b/1'],
    ])
  })

  it('forgets what has ended, to the millisecond, once', () => {
    const held = board()
    for (const expiresAt of [1_000, 1_400, 1_401, 90_000_000]) held.post(notice(`a/${expiresAt}`, 1, { expiresAt }), 1, 0)
    const ended = (now: number) => held.expire(now).map(({ expiresAt }) => expiresAt)
    expect([ended(999), ended(1_400), ended(1_400), ended(1_401), held.size]).toEqual([[], [1_000, 1_400], [], [1_401], 1])
    expect(held.post(notice('a/late', 1, { expiresAt: 1_401 }), 1, 1_401).outcome).toBe('over')
  })

  it('forgets also what came while the clock was set back', () => {
    const held = board({}, 50_000)
    held.expire(60_000)
    held.post(notice('a/1', 1, { expiresAt: 20_000 }), 1, 10_000)
    expect(held.expire(20_000)).toHaveLength(1)
  })

  it('prolongs what is said anew', () => {
    const held = board()
    held.post(notice('a/1', 1, { expiresAt: 1_000 }), 1, 0)
    held.post(notice('a/1', 2, { expiresAt: 3_000 }), 1, 0)
    expect([held.expire(2_000), held.expire(3_000).length]).toEqual([[], 1])
  })
})

describe('the room of a board', () => {
  it.each<[string, Partial<RoomLimits>, string]>([
    ['one peer', { peer: bounds(2) }, 'full'],
    ['all peers', { peers: bounds(2) }, 'full'],
    ['one first part', { parts: [2, 100] }, 'crowded'],
    ['one second part', { parts: [100, 2] }, 'crowded'],
    ['bytes of one peer', { peer: bounds(100, 700) }, 'full'],
    ['bytes of all peers', { peers: bounds(100, 700) }, 'full'],
  ])('of %s ends', (_, limits, expected) => {
    const held = board(limits)
    const post = (about: string, at = 1) => held.post(notice(about, at, { expiresAt: 1_000 }), 7, 0).outcome
    const abouts = expected === 'crowded' && limits.parts?.[1] === 2 ? ['a/x', 'b/x', 'c/x'] : ['a/x', 'a/y', 'a/z']
    expect(abouts.map((about) => post(about))).toEqual([fresh, fresh, expected])
    // What is held can be said anew, and what ended makes room.
    expect(post('a/x', 2)).toBe(fresh)
    held.expire(1_000)
    expect(held.size).toBe(0)
    expect(abouts.slice(0, 2).map((about) => post(about))).toEqual([fresh, fresh])
  })

  it('is not taken from own clients by peers, nor from a peer by another one', () => {
    const held = board({ peer: bounds(2), peers: bounds(3), own: bounds(1) })
    const post = (about: string, source: number) => held.post(notice(about, 1), source, 0).outcome
    expect(['a/1', 'a/2', 'a/3'].map((about) => post(about, 7))).toEqual([fresh, fresh, 'full'])
    expect(['b/1', 'b/2'].map((about) => post(about, 8))).toEqual([fresh, 'full'])
    expect(['c/1', 'c/2'].map((about) => post(about, ownClients))).toEqual([fresh, 'full'])
  })

  it('leaves what is held where a later one finds no room', () => {
    const held = board({ peer: bounds(10, 700) })
    held.post(notice('a/1', 1), 7, 0)
    expect(held.post(notice('a/1', 2, { text: 'x'.repeat(700) }), 7, 0).outcome).toBe('full')
    expect(held.get('presence', 'a/1')).toEqual(notice('a/1', 1))
    // It still takes its room.
    expect(['a/2', 'a/3'].map((about) => held.post(notice(about, 1), 7, 0).outcome)).toEqual([fresh, 'full'])
  })
})
