import { expect, test } from 'vitest'
import { LatencyTable } from './latency-table.ts'

const row = (roundTrips: Record<number, number>): Map<number, number> =>
  new Map(Object.entries(roundTrips).map(([server, ms]) => [Number(server), ms]))

test('half a round trip is the latency of a link', () => {
  const table = new LatencyTable(1)
  table.measure(2, 80)
  table.learn(2, 10, row({ 1: 100, 3: 40 }))
  expect(table.latencyMs(1, 2)).toBe(40)
  expect(table.latencyMs(2, 1)).toBe(50)
  expect(table.latencyMs(2, 3)).toBe(20)
  expect(table.latencyMs(1, 3)).toBeUndefined()
})

test('where the row of the sender is not known that of the receiver counts', () => {
  const table = new LatencyTable(1)
  table.measure(2, 80)
  table.learn(3, 10, row({ 2: 60 }))
  expect(table.latencyMs(2, 1)).toBe(40)
  expect(table.latencyMs(2, 3)).toBe(30)
  expect(table.latencyMs(2, 4)).toBeUndefined()
  table.learn(2, 10, row({ 1: 80 }))
  expect(table.latencyMs(2, 3), 'its row says that there is no link').toBeUndefined()
  table.forget(2)
  expect(table.latencyMs(2, 3)).toBe(30)
})

test('of two rows of a server the later one counts, and what it leaves out is no link', () => {
  const table = new LatencyTable(1)
  expect(table.learn(2, 10, row({ 3: 60, 4: 20 }))).toBe(true)
  expect(table.learn(2, 10, row({ 3: 600 }))).toBe(false)
  expect(table.learn(2, 9, row({ 3: 600 }))).toBe(false)
  expect(table.latencyMs(2, 3)).toBe(30)
  expect(table.learn(2, 11, row({ 3: 600 }))).toBe(true)
  expect(table.latencyMs(2, 3)).toBe(300)
  expect(table.latencyMs(2, 4)).toBeUndefined()
  expect(table.learn(1, 12, row({ 2: 5 })), 'others say nothing of the own links').toBe(false)
  expect(table.latencyMs(1, 2)).toBeUndefined()
})

test('smoothed round trip and deviation as in RFC 6298', () => {
  const table = new LatencyTable(1)
  expect(table.smoothed(2)).toBeUndefined()
  expect(table.retransmitMs(2, 250)).toBe(1_250)
  table.measure(2, 100)
  expect(table.smoothed(2)).toBe(100)
  expect(table.retransmitMs(2, 250)).toBe(1.35 * 100 + 250)
  expect(table.retransmitMs(2, 0)).toBe(100 + 4 * 50)
  table.measure(2, 180)
  expect(table.smoothed(2)).toBe(110)
  expect(table.retransmitMs(2, 0)).toBe(110 + 4 * 57.5)
})

test('one late answer changes no latency, three do; one early answer does', () => {
  const table = new LatencyTable(1)
  table.measure(2, 100)
  const { version } = table
  for (const late of [300, 310]) table.measure(2, late)
  expect(table.latencyMs(1, 2)).toBe(50)
  expect(table.version).toBe(version)
  table.measure(2, 320)
  expect(table.latencyMs(1, 2)).toBe(150)
  expect(table.version).toBeGreaterThan(version)
  table.measure(2, 100)
  expect(table.latencyMs(1, 2)).toBe(50)
})

test('the own row has changed when a round trip did by over 20 %, or a link came or went', () => {
  const table = new LatencyTable(1)
  expect(table.changed()).toBe(false)
  table.measure(2, 100)
  expect(table.changed()).toBe(true)
  table.published()
  for (const jitter of [118, 95, 119, 84, 90]) table.measure(2, jitter)
  expect(table.changed()).toBe(false)
  expect(table.ownRow()).toEqual(row({ 2: 100 }))
  table.measure(2, 70)
  expect(table.changed()).toBe(true)
  expect(table.ownRow()).toEqual(row({ 2: 70 }))
  table.published()
  expect(table.changed()).toBe(false)
  table.drop(2)
  expect(table.changed()).toBe(true)
  expect(table.smoothed(2)).toBeUndefined()
  table.published()
  table.measure(3, 50)
  expect(table.changed()).toBe(true)
})

test('on a fast link a fraction of a millisecond is no change', () => {
  const table = new LatencyTable(1)
  table.measure(2, 0.1)
  table.published()
  table.measure(2, 0.05)
  for (const ms of [0.25, 0.28, 0.25]) table.measure(2, ms)
  expect(table.changed()).toBe(false)
})

test('a version lasts exactly as long as all latencies', () => {
  const table = new LatencyTable(1)
  const servers = [1, 2, 3, 4]
  const latencies = (): unknown[] => servers.flatMap((from) => servers.map((to) => table.latencyMs(from, to)))
  let before = latencies()
  let version = table.version
  const steps: (() => void)[] = [
    () => table.measure(2, 40),
    () => table.measure(2, 41),
    () => table.learn(2, 1, row({ 1: 40, 3: 10 })),
    () => table.learn(2, 2, row({ 1: 41, 3: 9.5 })),
    () => table.learn(2, 3, row({ 1: 41, 3: 30 })),
    () => table.learn(2, 4, row({ 1: 41 })),
    () => table.learn(2, 4, row({ 1: 400 })),
    () => table.drop(3),
    () => table.drop(2),
    () => table.forget(3),
    () => table.forget(2),
  ]
  const changes = steps.map((step) => {
    step()
    const changed = table.version !== version
    expect(latencies().every((ms, index) => ms === before[index])).toBe(!changed)
    before = latencies()
    version = table.version
    return changed
  })
  expect(changes).toEqual([true, false, true, false, true, true, false, false, true, false, true])
})
