import { expect, it } from 'vitest'
import { applyAction, type HandSetup, type HandState, parseAction, startHand } from './hand.ts'
import { returnUncalled, settle } from './settle.ts'

function play(setup: HandSetup, actions: readonly string[]): HandState {
  const state = actions.reduce((before, text) => {
    const action = parseAction(text)
    if (!action) throw new Error(`${text} is no action`)
    return applyAction(before, action)
  }, startHand(setup))
  return returnUncalled(state)
}

const three = { antes: [0, 0, 0], blinds: [1, 2, 0], stacks: [50, 200, 100] }
const deal = ['d dh p1 AcAd', 'd dh p2 KcKd', 'd dh p3 QcQd']
const allIn = ['p3 cbr 100', 'p1 cc', 'p2 cc', 'd db 2h3h7s', 'd db 8s', 'd db 9c']

it('gives a side pot to the best of those who paid into it', () => {
  const state = play(three, [...deal, ...allIn])
  expect(state.collected).toBe(25_000)
  expect(settle(state)).toEqual({ won: [15_000, 10_000, 0], category: 'a pair' })
})

it('gives back what nobody called', () => {
  const state = play(three, [...deal, 'p3 cbr 100', 'p1 f', 'p2 f'])
  expect(state.seats.map(({ stack }) => stack)).toEqual([4_900, 19_800, 9_800])
  expect(settle(state)).toEqual({ won: [0, 0, 500], category: undefined })
})

it('splits what is equal, the odd hundredth to the first', () => {
  const state = play({ antes: [0, 0, 0], blinds: [0.01, 0.02, 0], stacks: [1, 1, 1] }, [
    'd dh p1 AcKd',
    'd dh p2 AdKc',
    'd dh p3 2c2d',
    'p3 cbr 0.05',
    'p1 cc',
    'p2 cc',
    'd db AhKhQs',
    'p1 cbr 0.10',
    'p2 cc',
    'p3 cbr 0.15',
    'p1 cbr 0.21',
    'p2 cc',
    'p3 f',
    'd db 8s',
    'd db 9d',
  ])
  expect(settle(state)?.won).toEqual([36, 36, 0])
  expect(
    settle({ ...state, collected: 0, seats: state.seats.map((seat, index) => ({ ...seat, committed: index === 2 ? 21 : 20 })) })?.won,
  ).toEqual([31, 30, 0])
})

it('does not guess where the cards that decide were not shown', () => {
  expect(settle(play(three, ['d dh p1 ????', ...deal.slice(1), ...allIn]))).toBeUndefined()
})
