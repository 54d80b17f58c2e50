import { stripVTControlCharacters } from 'node:util'
import { expect, test, vi } from 'vitest'
import type { Summary } from './example.ts'
import { LiveView } from './live.ts'
import { isComplete, milliseconds, renderSummary } from './summary.ts'

function stream(isTTY: boolean) {
  const written: string[] = []
  return { written, isTTY, columns: 40, write: (text: string) => written.push(text) }
}

test('without a terminal each event is a line', () => {
  const out = stream(false)
  const view = new LiveView(out)
  view.show({ type: 'table', table: 'Leo', channel: 'abc', clients: 4 })
  view.show({ type: 'move', table: 'Leo', hand: 1, actor: 'p1', text: 'raises to 20', latencyMs: 3.25 })
  view.show({ type: 'hand', table: 'Leo', hand: 1, result: 'p1 wins 30' })
  view.end()
  expect(out.written).toEqual(['Leo: 4 clients in channel abc\n', 'Leo: p1 raises to 20 (3.3 ms)\n', 'Leo: hand 1: p1 wins 30\n'])
})

test('on a terminal the tables are drawn in place, clipped to its width, with notes above', () => {
  vi.useFakeTimers()
  const out = stream(true)
  const view = new LiveView(out)
  view.show({ type: 'table', table: 'Leo', channel: 'abc', clients: 4 })
  vi.runAllTimers()
  view.show({ type: 'move', table: 'Leo', hand: 1, actor: 'p1', text: 'says '.repeat(20), latencyMs: 3 })
  vi.runAllTimers()
  const [first, erase, second] = out.written
  expect(stripVTControlCharacters(first ?? '')).toBe('Leo · 4 clients · 0 moves\n  about to begin\n')
  expect(erase).toBe('\u001b[2A\u001b[J')
  expect(
    stripVTControlCharacters(second ?? '')
      .split('\n')
      .every((line) => line.length < 40),
  ).toBe(true)
  view.note('server 2 is back')
  expect(stripVTControlCharacters(out.written.slice(3).join(''))).toMatch(/^server 2 is back\nLeo · 4 clients · 1 move · hand 1\n/)
  vi.useRealTimers()
})

const table = { table: 'Leo', channel: 'c', clients: 2, published: 3, expected: 6, delivered: 6, lost: 0, duplicates: 0, complete: true }
const summary: Summary = {
  published: 3,
  expected: 6,
  delivered: 6,
  lost: 0,
  duplicates: 0,
  latencyMs: { p50: 2.04, p99: 31.5 },
  tables: [table],
  servers: [{ id: 1, endpoint: 'http://127.0.0.1:1', accepted: 3, replicated: 0, delivered: 6 }],
}

test('a play is complete when nothing is lost and every table is whole', () => {
  expect(isComplete(summary)).toBe(true)
  expect(isComplete({ ...summary, lost: 1 })).toBe(false)
  expect(isComplete({ ...summary, tables: [table, { ...table, complete: false }] })).toBe(false)
})

test('the summary shows totals, tables and servers', () => {
  const text = renderSummary({ ...summary, tables: [{ ...table, complete: false }] }, { stopped: false })
  expect(text).toContain('delivered   6 of 6')
  expect(text).toContain('p50 2.0 ms, p99 32 ms')
  expect(text).toMatch(/Leo +2 +3 +6\/6 +0 +0 +NO/)
  expect(milliseconds(null)).toBe('–')
})

test('a table that was stopped before its end is not called incomplete, one that lost something is', () => {
  const cut = {
    ...summary,
    tables: [
      { ...table, complete: false },
      { ...table, table: 'Max', lost: 1, complete: false },
    ],
  }
  const text = renderSummary(cut, { stopped: true })
  expect(text).toMatch(/Leo .* stopped\n/)
  expect(text).toMatch(/Max .* NO\n/)
})

test('a table that waits says when it begins, and tables keep their places', () => {
  vi.useFakeTimers({ now: new Date(2009, 6, 1, 0, 0, 26) })
  const out = stream(true)
  const view = new LiveView(out)
  view.show({ type: 'due', table: 'Table 10', inMs: 199_000 })
  view.show({ type: 'due', table: 'Table 9', inMs: 0 })
  vi.runAllTimers()
  expect(stripVTControlCharacters(out.written.join(''))).toMatch(
    /^Table 9 .*\n {2}first hand at 00:00:26\nTable 10 .*\n {2}first hand at 00:03:45\n$/,
  )
  view.show({ type: 'move', table: 'Table 9', hand: 1, actor: 'p1', text: 'folds', latencyMs: 3 })
  view.show({ type: 'due', table: 'Table 9', inMs: 5_000 })
  vi.runAllTimers()
  expect(stripVTControlCharacters(out.written.at(-1) ?? '')).toContain('once more at')
  vi.useRealTimers()
})
