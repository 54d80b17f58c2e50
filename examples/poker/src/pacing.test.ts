import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { messagesOf, pace } from './pacing.ts'
import { parsePhh, type Hand } from './phh.ts'

const tables = parsePhh(await readFile(new URL('../hands.phhs', import.meta.url), 'utf8'))

it('begins each hand at its time of day, counted from the first of all tables', () => {
  expect(pace(tables, 1).map((hands) => hands.map(({ startMs }) => startMs / 1000))).toEqual([
    [0, 46, 152],
    [199, 238],
    [210, 310],
  ])
})

it('spreads the messages of a hand evenly up to the next hand', () => {
  const [cleo] = pace(tables, 1)
  expect(cleo?.[0]?.intervalMs).toBeCloseTo(46_000 / 14)
  expect(cleo?.[1]?.intervalMs).toBeCloseTo(106_000 / 16)
})

it("keeps a table's mean pace in its last hand, up to five seconds", () => {
  const [cleo, nauru, oriole] = pace(tables, 1)
  expect(cleo?.[2]?.intervalMs).toBe(5_000)
  expect(nauru?.[1]?.intervalMs).toBeCloseTo(39_000 / 23)
  expect(oriole?.[1]?.intervalMs).toBe(5_000)
})

it('divides everything by the speed', () => {
  const slow = pace(tables, 1).flat()
  const fast = pace(tables, 40).flat()
  for (const [index, { startMs, intervalMs }] of fast.entries()) {
    expect(startMs * 40).toBeCloseTo(slow[index]?.startMs ?? Number.NaN)
    expect(intervalMs * 40).toBeCloseTo(slow[index]?.intervalMs ?? Number.NaN)
  }
})

it('plays hands without a time one after the other', () => {
  const hands = (tables[0]?.hands ?? []).map((hand): Hand => ({ ...hand, startMs: undefined }))
  const [first, second] = pace([{ name: 'T', hands }], 1)[0] ?? []
  expect(first).toEqual({ startMs: 0, intervalMs: 2_000 })
  expect(second?.startMs).toBe(2_000 * messagesOf(hands[0] as Hand))
})
