import type { Cents } from './amount.ts'
import { bestWorth, type Category } from './cards.ts'
import type { HandState, Seat } from './hand.ts'

/** How a hand ended. */
export interface Settlement {
  /** From the pot, for each player; what nobody called has gone back before. */
  won: Cents[]
  /** What the winners showed, when it was compared. */
  category: Category | undefined
}

/** Gives back the part of the highest bet that nobody called, and collects the rest. */
export function returnUncalled(state: HandState): HandState {
  const [highest = 0, second = 0] = state.seats.map(({ bet }) => bet).sort((a, b) => b - a)
  const back = highest - second
  const seats = state.seats.map((seat): Seat => {
    const mine = seat.bet === highest ? back : 0
    return { ...seat, stack: seat.stack + mine, committed: seat.committed - mine, bet: 0 }
  })
  const bets = state.seats.reduce((sum, { bet }) => sum + bet, 0)
  return { ...state, seats, collected: state.collected + bets - back }
}

function share(amount: Cents, winners: readonly number[], won: Cents[]): void {
  const each = Math.floor(amount / winners.length)
  for (const [order, index] of winners.entries()) {
    won[index] = (won[index] ?? 0) + each + (order < amount - each * winners.length ? 1 : 0)
  }
}

/**
 * Who wins what of a hand whose source does not say: by the cards shown, side pots each for itself, no rake.
 * @param state after {@link returnUncalled}
 * @returns undefined when the cards that would decide were not shown
 */
export function settle(state: HandState): Settlement | undefined {
  const won = state.seats.map(() => 0)
  const standing = state.seats.flatMap((seat, index) => (seat.folded || seat.mucked ? [] : [index]))
  if (standing.length === 1) {
    share(state.collected, standing, won)
    const [winner] = state.seats.filter((_, index) => standing.includes(index))
    const shown = winner && state.seats.some(({ mucked }) => mucked) ? bestWorth([...winner.cards, ...state.board]) : undefined
    return { won, category: shown?.category }
  }
  const worths = state.seats.map((seat, index) => (standing.includes(index) ? bestWorth([...seat.cards, ...state.board]) : undefined))
  let category: Category | undefined
  let below = 0
  for (const level of [...new Set(state.seats.map(({ committed }) => committed))].sort((a, b) => a - b)) {
    const pot = state.seats.reduce((sum, { committed }) => sum + Math.max(0, Math.min(committed, level) - below), 0)
    below = level
    const able = standing.filter((index) => (state.seats[index]?.committed ?? 0) >= level)
    // A side pot of players who all folded or mucked goes to those still standing.
    const eligible = able.length > 0 ? able : standing
    const scores = eligible.map((index) => worths[index]?.score)
    if (pot === 0) continue
    if (scores.includes(undefined) || scores.length === 0) return undefined
    const best = Math.max(...scores.map((score) => score ?? 0))
    const winners = eligible.filter((index) => worths[index]?.score === best)
    category = worths[winners[0] ?? 0]?.category
    share(pot, winners, won)
  }
  return { won, category }
}

/** The hand with its winnings paid out. */
export function payOut(state: HandState, won: readonly Cents[]): HandState {
  return {
    ...state,
    actor: undefined,
    over: true,
    seats: state.seats.map((seat, index) => ({ ...seat, stack: seat.stack + (won[index] ?? 0), won: won[index] ?? 0 })),
  }
}
