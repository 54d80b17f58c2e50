import type { BodyEntry } from '@dred/protocol/relay'
import { describe, expect, it, test } from 'vitest'
import { EventQueue } from './event-queue.ts'
import { generate } from './generate.ts'
import { Lanes, type Passage } from './lanes.ts'
import { shortestWays } from './paths.ts'
import { RandomStreams } from './random.ts'
import { shrink } from './shrink.ts'
import { SimulatedStore } from './store.ts'

test('events happen in the order of their times, those of one time in the order in which they were scheduled', () => {
  const queue = new EventQueue(0)
  const random = new RandomStreams(5).of('times')
  const happened: [number, number][] = []
  for (let i = 0; i < 500; i++) {
    const at = random.below(40)
    queue.schedule(at, () => happened.push([at, i]))
  }
  queue.runUntil(30)
  expect(happened.every(([at]) => at <= 30)).toBe(true)
  queue.runUntil(40)
  expect(happened).toHaveLength(500)
  expect(happened).toEqual(happened.toSorted(([a, i], [b, j]) => a - b || i - j))
})

test('a concern that draws more changes nothing for another', () => {
  const draw = (before: number) => {
    const streams = new RandomStreams(9)
    for (let i = 0; i < before; i++) streams.of('loss').next()
    return Array.from({ length: 5 }, () => streams.of('clients').next())
  }
  expect(draw(0)).toEqual(draw(100))
})

describe('a link', () => {
  const setUp = (passage: () => Passage = () => 'open') => {
    const queue = new EventQueue(0)
    let jitter = 0
    const queued: number[] = []
    const lanes = new Lanes(
      {
        get nowMs() {
          return queue.now
        },
        after: (ms, run) => queue.schedule(queue.now + ms, run),
        latencyMs: () => 50,
        passage,
        mbitPerSecond: () => 1,
        loss: () => ({ vanishes: false, resent: jitter % 3 === 0 ? 1 : 0, jitterMs: -(jitter++ * 7) }),
        queueChanged: (bytes) => queued.push(bytes),
      },
      { mbitPerSecond: 100, freeMs: 0 },
      0,
    )
    return { queue, lanes, queued }
  }

  it('lets no frame overtake another of its stream', () => {
    const { queue, lanes } = setUp()
    const came: string[] = []
    for (let i = 0; i < 6; i++) lanes.send(i % 2 === 0 ? 'live' : 'bulk', 100, () => came.push(`${i}`))
    queue.runUntil(10_000)
    expect(came.filter((i) => Number(i) % 2 === 0)).toEqual(['0', '2', '4'])
    expect(came.filter((i) => Number(i) % 2 === 1)).toEqual(['1', '3', '5'])
  })

  it('takes the time that its bytes need, and tells what waits', () => {
    const { queue, lanes, queued } = setUp()
    let cameMs = 0
    for (let i = 0; i < 20; i++) lanes.send('live', 12_500, () => (cameMs = queue.now))
    queue.runUntil(60_000)
    expect(cameMs).toBeGreaterThanOrEqual(20 * 100)
    expect(Math.max(...queued)).toBeGreaterThan(200_000)
    expect(queued.at(-1)).toBe(0)
  })

  it('holds frames while the way is shut, and lets them go in order', () => {
    let passage: Passage = 'held'
    const { queue, lanes } = setUp(() => passage)
    const came: number[] = []
    for (let i = 0; i < 4; i++) lanes.send('live', 10, () => came.push(i))
    queue.runUntil(5_000)
    expect(came).toEqual([])
    passage = 'open'
    lanes.release(100)
    lanes.send('live', 10, () => came.push(4))
    queue.runUntil(10_000)
    expect(came).toEqual([0, 1, 2, 3, 4])
  })
})

describe('a store', () => {
  const entry = (n: number): BodyEntry => ({
    kind: 'message',
    coordinate: { server: 2, incarnation: 5, n },
    canonical: `text ${n}`,
    sig: '',
    expiresAt: 1_000 * n,
    clock: n,
  })
  const setUp = (survives = false) => {
    const queue = new EventQueue(0)
    const store = new SimulatedStore({
      get nowMs() {
        return queue.now
      },
      writeMs: () => 10,
      after: (ms, run) => queue.schedule(queue.now + ms, run),
      survives: () => survives,
      logged: () => undefined,
    })
    const results: string[] = []
    const put = (n: number) => store.replicate(entry(n), `id ${n}`, (result) => results.push(`${n} ${result}`))
    return { queue, store, results, put }
  }

  it('has nothing before it is durable, and loses in a crash what is not', () => {
    const { queue, store, results, put } = setUp()
    put(1)
    queue.runUntil(9)
    expect(store.vector.toData()).toEqual({})
    queue.runUntil(10)
    expect(results).toEqual(['1 stored'])
    put(2)
    store.crash()
    queue.runUntil(100)
    expect([results, store.vector.toData()]).toEqual([['1 stored'], { '2-5': [1] }])
  })

  it('may have kept what it was writing, though nobody was told', () => {
    const { queue, store, results, put } = setUp(true)
    put(1)
    put(2)
    queue.runUntil(5)
    store.crash()
    expect([results, store.vector.toData()]).toEqual([[], { '2-5': [1] }])
  })

  it('forgets its last milliseconds', () => {
    const { queue, store, put } = setUp()
    put(1)
    queue.runUntil(100)
    put(2)
    queue.runUntil(200)
    store.lose(150)
    expect([store.vector.toData(), store.unknown(['id 1', 'id 2'])]).toEqual([{ '2-5': [1] }, ['id 2']])
  })

  it('says what it had and keeps no more, but not what it never had', () => {
    const { queue, store, put } = setUp()
    for (const n of [1, 2, 3, 5]) put(n)
    queue.runUntil(100)
    expect(store.purge(2_500)).toBe(true)
    expect(store.floors).toEqual({ '2-5': 2 })
    const range = { server: 2, incarnation: 5, from: 1, to: 9 }
    expect(store.read(range, 9)).toEqual([{ kind: 'gone', coordinate: { server: 2, incarnation: 5, n: 2 }, from: 1 }, entry(3), entry(5)])
  })
})

test('the shortest way may lead over others, never over what is not linked', () => {
  const ms: Record<string, number> = { '1-2': 10, '2-3': 10, '1-3': 50, '3-4': 1 }
  const ways = {
    linked: (a: number, b: number) => ms[`${a}-${b}`] !== undefined,
    latencyMs: (a: number, b: number) => ms[`${a}-${b}`] ?? 0,
  }
  expect([...shortestWays(1, [1, 2, 3, 4, 5], ways)]).toEqual([
    [1, 0],
    [2, 10],
    [3, 20],
    [4, 21],
  ])
})

test('a failing scenario is made as small as it can be', () => {
  const failing = { ...generate(3), servers: 9, loss: 0.2 }
  failing.faults = [
    { atMs: 10, type: 'slow', servers: [1] },
    { atMs: 20, type: 'crash', servers: [2, 7] },
    { atMs: 30, type: 'partition', servers: [3] },
    ...failing.faults.slice(-2),
  ]
  const smallest = shrink(
    failing,
    ({ faults, servers }) => servers >= 3 && faults.some(({ type }) => type === 'crash'),
    () => true,
  )
  expect(smallest).toMatchObject({
    servers: 3,
    loss: 0,
    messagesPerSecond: 1,
    faults: [{ type: 'crash', servers: [2] }, { type: 'heal' }, { type: 'restart' }],
  })
})
