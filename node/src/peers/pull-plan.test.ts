import { type Origin, VersionVector } from '@dred/protocol'
import { describe, expect, it } from 'vitest'
import { latestUnknownLife, planPulls, type PullView } from './pull-plan.ts'

const vector = (counts: Record<string, number>) =>
  VersionVector.from(Object.fromEntries(Object.entries(counts).map(([origin, n]) => [origin, [n]])))

interface Case {
  mine?: Record<string, number>
  peers: Record<number, Record<string, number>>
  pulls?: Record<number, number>
  inFlight?: Origin[]
  refused?: [number, Origin][]
  stalledMs?: number
}

/** Planned by server 1 in its incarnation 100. */
function plan({ mine = {}, peers, pulls = {}, inFlight = [], refused = [], stalledMs = 0 }: Case) {
  const view: PullView = {
    mine: vector(mine),
    self: { server: 1, incarnation: 100 },
    sources: Object.entries(peers).map(([peer, has]) => ({ peer: Number(peer), vector: vector(has), pulls: pulls[Number(peer)] ?? 0 })),
    inFlight: (origin) => inFlight.includes(origin),
    refused: (peer, origin) => refused.some(([who, what]) => who === peer && what === origin),
    stalledMs: () => stalledMs,
    graceMs: 300,
  }
  return planPulls(view)
}

describe('what is missing', () => {
  it('is nothing among equals', () => {
    expect(plan({ mine: { '2-5': 9 }, peers: { 2: { '2-5': 9 }, 3: { '2-5': 4 } } })).toEqual({ pulls: [], againInMs: undefined })
  })

  it('is asked of its origin first, at once', () => {
    const { pulls } = plan({ mine: { '2-5': 3 }, peers: { 2: { '2-5': 9 }, 3: { '2-5': 12 } } })
    expect(pulls).toEqual([{ peer: 2, origin: '2-5', from: 4, to: 9 }])
  })

  it('is asked of another at once when its origin is not connected', () => {
    expect(plan({ peers: { 3: { '2-5': 9 }, 4: { '2-5': 9 } } }).pulls).toEqual([{ peer: 3, origin: '2-5', from: 1, to: 9 }])
  })

  it('may be on its way from its origin for a while', () => {
    const peers = { 2: { '2-5': 3 }, 3: { '2-5': 4 } }
    expect(plan({ mine: { '2-5': 3 }, peers, stalledMs: 100 })).toEqual({ pulls: [], againInMs: 200 })
    expect(plan({ mine: { '2-5': 3 }, peers, stalledMs: 300 }).pulls).toEqual([{ peer: 3, origin: '2-5', from: 4, to: 4 }])
  })

  it('is asked of one at a time', () => {
    expect(plan({ peers: { 3: { '2-5': 9 }, 4: { '2-5': 9 } }, inFlight: ['2-5'] }).pulls).toEqual([])
  })

  it('is asked of another than who did not give it', () => {
    const peers = { 2: { '2-5': 9 }, 4: { '2-5': 9 } }
    expect(plan({ peers, refused: [[2, '2-5']], stalledMs: 300 }).pulls).toMatchObject([{ peer: 4 }])
  })

  it('is spread over those who have it, eight at most of each', () => {
    const origins = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`9-${i + 1}`, 1]))
    const { pulls } = plan({ peers: { 3: origins, 4: origins }, pulls: { 3: 3 } })
    const of = (peer: number) => pulls.filter((pull) => pull.peer === peer).length
    expect([of(3), of(4)]).toEqual([5, 8])
  })

  it('may be of an earlier incarnation of this server, never of the present one', () => {
    const { pulls } = plan({ peers: { 2: { '1-99': 7, '1-100': 7, '1-101': 7 } } })
    expect(pulls).toEqual([{ peer: 2, origin: '1-99', from: 1, to: 7 }])
  })
})

describe('an incarnation of this server that it does not know', () => {
  const latest = (told: Record<string, number>[], mine: Record<string, number> = {}) =>
    latestUnknownLife(told.map(vector), vector(mine), { server: 1, incarnation: 100 })

  it('is none when peers have no more than what it has counted itself', () => {
    expect(latest([{ '1-100': 5, '1-99': 9, '2-700': 3 }], { '1-100': 5 })).toBeUndefined()
  })

  it('is the latest of those that peers have', () => {
    expect(latest([{ '1-101': 1, '1-300': 1 }, { '1-200': 8 }])).toBe(300)
  })

  it('is the present one when peers have more of it than was counted', () => {
    expect(latest([{ '1-100': 6 }], { '1-100': 5 })).toBe(100)
  })

  it('is no date: nothing could come after the last one', () => {
    expect(latest([{ [`1-${Number.MAX_SAFE_INTEGER}`]: 1 }])).toBeUndefined()
  })
})
