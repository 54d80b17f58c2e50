import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { parsePhh } from './phh.ts'
import { outcomeOf, playersOf, scriptOf } from './script.ts'

const tables = parsePhh(await readFile(new URL('../hands.phhs', import.meta.url), 'utf8'))
const handOf = (id: string) => {
  const hand = tables.flatMap(({ hands }) => hands).find((candidate) => candidate.id === id)
  if (!hand) throw new Error(`no hand ${id}`)
  return hand
}

describe('the end of each recorded hand', () => {
  // What is not paid out is the house's rake.
  it.each([
    ['3017243630', 40, 2.5, '3wT3m+ wins $37.50'],
    ['3017246606', 87.5, 3, '/P+7Z0 wins $84.50'],
    ['3017263190', 70, 3.5, 'MiMarM wins $66.50'],
    ['3017249534', 394, 0.75, 'hn0FGu wins $393.25'],
  ])('%s: a pot of %d, of which %d is rake', (...[id, pot, rake, result]) => {
    const outcome = outcomeOf(handOf(id))
    expect(outcome.state.collected).toBe(pot * 100)
    expect(outcome.state.collected - outcome.state.seats.reduce((sum, { won }) => sum + won, 0)).toBe(rake * 100)
    expect(outcome.result).toBe(result)
  })

  it.each([
    // Half of: antes 15, blinds 15, 3 × 40 before the flop, 2 × 75, 2 × 225, 2 × 803.50.
    ['3017254774', 'Split pot: 3wT3m+ $1,178.50 and /P+7Z0 $1,178.50 with a pair'],
    // Blinds and callers 5 + 3 × 10, 2 × 30, 2 × 60, 2 × 490.
    ['3017265406', '4QICpZ wins $1,195 with three of a kind'],
    // 2 × 50 and 2 × 70.
    ['3017255090', 'hn0FGu wins $240 with two pair'],
  ])('%s is decided by the cards: %s', (id, result) => {
    expect(outcomeOf(handOf(id)).result).toBe(result)
  })

  it('leaves everybody with what they begin the next hand with', () => {
    const checked = [
      ['3017243630', '3017246606'],
      ['3017263190', '3017265406'],
    ].flatMap(([before = '', after = '']) => {
      const left = outcomeOf(handOf(before)).state
      const next = handOf(after)
      return handOf(before).players.flatMap((player, index) => {
        const at = next.players.indexOf(player)
        // One player bought more chips between the hands.
        if (at === -1 || player.startsWith('yOOMTq')) return []
        return [[player, (left.seats[index]?.stack ?? 0) / 100, next.stacks[at]]]
      })
    })
    expect(checked).toHaveLength(10)
    for (const [player, left, begins] of checked) expect([player, left]).toEqual([player, begins])
  })
})

it('says what happens, with two players too: then the second has the button and the small blind', () => {
  const [, , oriole] = tables
  if (!oriole) throw new Error('no table')
  const texts = scriptOf(oriole, [], { step: 0, paces: [] }).map(({ text }) => text)
  expect(texts.slice(0, 7)).toEqual([
    'begins hand 3017249534',
    'deals to 885LXM',
    'deals to hn0FGu',
    'calls 5',
    'raises to 30',
    'calls 20',
    'deals the flop 8d 4d 5d',
  ])
  expect(texts.slice(-3)).toEqual(['shows 8h 7d', 'shows Js Th', 'ends the hand'])
})

describe('the script of a table', () => {
  const [table] = tables
  if (!table) throw new Error('no table')
  const roster = playersOf(table).map((entry) => ({ ...entry, key: `key of ${entry.player}` }))
  const cues = scriptOf(table, roster, { step: 1, paces: table.hands.map((_, index) => ({ startMs: index * 1000, intervalMs: 10 })) })

  it('seats every player once', () => {
    expect(roster.map(({ seat, player }) => [seat, player.slice(0, 3)])).toEqual([
      [1, 'eXX'],
      [2, 'XrM'],
      [3, 'X+u'],
      [4, 'wyX'],
      [5, '3wT'],
      [6, '/P+'],
    ])
  })

  it('counts its messages without gaps and gives each to the one whose turn it is', () => {
    expect(cues.map(({ message }) => message.step)).toEqual(cues.map((_, index) => index + 1))
    expect(cues).toHaveLength(12 + 14 + 24 + 3 * 2)
    const first = cues
      .slice(0, 14)
      .map(({ message, dueMs }) => [dueMs, message.type, message.actor.slice(0, 3), 'action' in message && message.action])
    expect(first).toEqual([
      [0, 'hand', 'dea', false],
      ...[1, 2, 3, 4, 5, 6].map((p) => [p * 10, 'move', 'dea', `d dh p${p} ????`]),
      [70, 'move', '3wT', 'p3 cbr 47.50'],
      [80, 'move', '/P+', 'p4 f'],
      [90, 'move', 'eXX', 'p5 f'],
      [100, 'move', 'XrM', 'p6 f'],
      [110, 'move', 'X+u', 'p1 f'],
      [120, 'move', 'wyX', 'p2 f'],
      [130, 'end', 'dea', false],
    ])
  })
})
