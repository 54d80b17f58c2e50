import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { toCents } from './amount.ts'
import { potOf } from './hand.ts'
import { DEALER, type PlayMessage } from './messages.ts'
import { parsePhh } from './phh.ts'
import { outcomeOf, playersOf, scriptOf } from './script.ts'
import { emptyTable, type Incoming, receive, type TableState } from './table-state.ts'

const tables = parsePhh(await readFile(new URL('../hands.phhs', import.meta.url), 'utf8'))
const DEALER_KEY = 'key of dealer'

function incomingOf(index: number): (Incoming & { data: PlayMessage })[] {
  const table = tables[index]
  if (!table) throw new Error(`no table ${index}`)
  const roster = playersOf(table).map((entry) => ({ ...entry, key: `key of ${entry.player}` }))
  const opening: PlayMessage = { type: 'table', step: 0, actor: DEALER, table: table.name, roster }
  const cues = scriptOf(table, roster, { step: 1, paces: [] })
  return [opening, ...cues.map(({ message }) => message)].map((data) => ({ sender: `key of ${data.actor}`, data }))
}

const play = (messages: readonly Incoming[], from: TableState = emptyTable(DEALER_KEY)): TableState => messages.reduce(receive, from)

describe.each(tables.map(({ name }, index) => [name, index] as const))('%s', (_, index) => {
  const messages = incomingOf(index)

  it('ends every hand with the recorded pot, stacks and winnings', () => {
    let state = emptyTable(DEALER_KEY)
    const results: unknown[] = []
    for (const message of messages) {
      state = receive(state, message)
      if (message.data.type !== 'end') continue
      results.push([state.hand?.setup.hand, state.hand?.state.collected, state.hand?.state.seats.map(({ stack, won }) => [stack, won])])
    }
    const expected = tables[index]?.hands.map((hand) => {
      const { state: over, winnings } = outcomeOf(hand)
      return [
        hand.id,
        over.collected,
        over.seats.map(({ stack }, seat) => [stack, toCents((hand.winnings ?? winnings)?.[seat] ?? Number.NaN)]),
      ]
    })
    expect(results).toEqual(expected)
  })

  it('never makes or loses a chip', () => {
    let state = emptyTable(DEALER_KEY)
    for (const message of messages) {
      state = receive(state, message)
      if (!state.hand || state.hand.state.over) continue
      const stacks = state.hand.state.seats.reduce((sum, { stack }) => sum + stack, 0)
      expect(stacks + potOf(state.hand.state)).toBe(state.hand.setup.stacks.reduce((sum, stack) => sum + toCents(stack), 0))
    }
  })

  it('is the same whatever order the messages come in within a hand, and however often', () => {
    const shuffled = messages.toSorted((a, b) => Math.floor(a.data.step / 4) - Math.floor(b.data.step / 4) || b.data.step - a.data.step)
    expect(shuffled).not.toEqual(messages)
    const state = play([...shuffled, ...messages])
    expect(state).toEqual({ ...play(messages), early: state.early })
    expect(state.early.size).toBe(0)
  })
})

describe('a reader who comes late', () => {
  const messages = incomingOf(0)

  it('waits for the next hand and sees that one whole', () => {
    const late = messages.slice(7)
    expect(play(late.slice(0, 5)).hand).toBeUndefined()
    expect(play(late)).toMatchObject({ hand: play(messages).hand, log: play(messages).log })
  })

  it('does not take a forged message for early that came before anybody was known', () => {
    const [dealt, turn] = [messages.slice(1, 8), messages[8]]
    if (turn?.data.type !== 'move' || turn.data.actor === DEALER) throw new Error("not a player's move")
    const state = play(dealt, receive(emptyTable(DEALER_KEY), { ...turn, sender: 'key of nobody' }))
    expect(state.next).toBe(8)
    expect(play(messages.slice(8), state).hand).toEqual(play(messages).hand)
  })

  it('who missed a message waits with the hand and goes on with the next', () => {
    const without = messages.filter(({ data }) => data.step !== 9)
    const stuck = play(without.slice(0, 13))
    expect(stuck.next).toBe(9)
    expect(play(without).hand).toEqual(play(messages).hand)
  })
})

describe('what others write into the channel', () => {
  const messages = incomingOf(0)
  const before = play(messages.slice(0, 9))
  const turn = messages[9]
  if (turn?.data.type !== 'move') throw new Error('not a move')

  it.each([
    ['a move signed by somebody else', { ...turn, sender: 'key of nobody' }],
    ["a move signed by another player in the actor's name", { ...turn, sender: 'key of wyXD1O26Buq3VWHAij37Jg' }],
    ['a new hand that the dealer has not signed', { sender: 'key of nobody', data: messages[1]?.data }],
    ['no play message at all', { sender: 'key of nobody', data: { type: 'move', step: -1 } }],
    ['chat', { sender: 'key of nobody', data: 'hello' }],
  ])('%s changes nothing', (_, message) => {
    expect(receive(before, message)).toBe(before)
    expect(play(messages.slice(9), receive(before, message))).toEqual(play(messages))
  })

  it("a player's move for another seat is passed over", () => {
    const forged = { ...turn, data: { ...turn.data, action: 'p6 f' } }
    const after = receive(before, forged)
    expect(after.hand?.state).toEqual(before.hand?.state)
    expect(after.next).toBe(10)
  })
})
