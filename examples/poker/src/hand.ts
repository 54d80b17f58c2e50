import { type Cents, formatCents, toCents } from './amount.ts'
import { type Card, parseCards, UNKNOWN } from './cards.ts'

/** What a hand begins with: amounts as decimals, one entry for each player in the order of the hand (`p1` first). */
export interface HandSetup {
  antes: readonly number[]
  blinds: readonly number[]
  stacks: readonly number[]
}

/** One player during a hand. */
export interface Seat {
  stack: Cents
  /** Put in on this street, still in front of the player. */
  bet: Cents
  /** Put in during the whole hand, this street's bet included. */
  committed: Cents
  folded: boolean
  mucked: boolean
  allIn: boolean
  cards: readonly Card[]
  /** The last thing the player did, in words. */
  action: string
  /** From the pot, after the hand's end. */
  won: Cents
}

export interface HandState {
  seats: readonly Seat[]
  board: readonly Card[]
  /** Collected from earlier streets and antes; the bets of this street lie in front of the players. */
  collected: Cents
  /** Index of the player who did something last. */
  actor: number | undefined
  over: boolean
}

/** An action that the state of the hand does not allow. */
export class IllegalActionError extends Error {
  override readonly name = 'IllegalActionError'
}

export type Action =
  | { kind: 'deal-hole'; player: number; cards: readonly Card[] }
  | { kind: 'deal-board'; cards: readonly Card[] }
  | { kind: 'fold' | 'call'; player: number }
  | { kind: 'raise'; player: number; to: Cents }
  | { kind: 'show'; player: number; cards: readonly Card[] }

/**
 * Reads one action of the Poker Hand History notation, such as `p3 cbr 47.50` or `d db 7dQh6h`; players count from 0.
 * @returns undefined when it is not one of Texas hold'em
 */
export function parseAction(text: string): Action | undefined {
  const deal = /^d (?:dh p([1-9][0-9]?)|(db)) (\S+)$/.exec(text)
  if (deal) {
    const cards = parseCards(deal[3] ?? '')
    if (!cards) return undefined
    return deal[2] === 'db' ? { kind: 'deal-board', cards } : { kind: 'deal-hole', player: Number(deal[1]) - 1, cards }
  }
  const move = /^p([1-9][0-9]?) (f|cc|cbr|sm)(?: (\S+))?$/.exec(text)
  if (!move) return undefined
  const player = Number(move[1]) - 1
  const [, , kind, operand] = move
  if (kind === 'sm') {
    const cards = operand === undefined || operand === '-' ? [] : parseCards(operand)
    return cards && { kind: 'show', player, cards }
  }
  if (kind === 'cbr') return /^\d+(?:\.\d+)?$/.test(operand ?? '') ? { kind: 'raise', player, to: toCents(Number(operand)) } : undefined
  if (operand !== undefined) return undefined
  return { kind: kind === 'f' ? 'fold' : 'call', player }
}

/** Who makes an action: 0 is the first player; undefined the dealer. */
export function actorOf(action: Action): number | undefined {
  return action.kind === 'deal-hole' || action.kind === 'deal-board' ? undefined : action.player
}

export function potOf(state: HandState): Cents {
  return state.seats.reduce((sum, seat) => sum + seat.bet, state.collected)
}

function pay(seat: Seat, amount: Cents): Seat {
  const paid = Math.min(amount, seat.stack)
  const stack = seat.stack - paid
  return { ...seat, stack, bet: seat.bet + paid, committed: seat.committed + paid, allIn: stack === 0 }
}

function collect(state: HandState): HandState {
  return {
    ...state,
    collected: potOf(state),
    seats: state.seats.map((seat) => ({ ...seat, bet: 0, action: seat.folded ? seat.action : '' })),
  }
}

/** A hand with antes and blinds posted. With two players the second has the button and posts the small blind. */
export function startHand({ antes, blinds, stacks }: HandSetup): HandState {
  const seats = stacks.map((stack): Seat => {
    return { stack: toCents(stack), bet: 0, committed: 0, folded: false, mucked: false, allIn: false, cards: [], action: '', won: 0 }
  })
  const withAntes = collect({
    seats: seats.map((seat, index) => pay(seat, toCents(antes[index] ?? 0))),
    board: [],
    collected: 0,
    actor: undefined,
    over: false,
  })
  const posted = seats.length === 2 ? blinds.slice(0, 2).reverse() : blinds
  return {
    ...withAntes,
    seats: withAntes.seats.map((seat, index) => {
      const blind = toCents(posted[index] ?? 0)
      return blind > 0 ? { ...pay(seat, blind), action: `blind ${formatCents(blind)}` } : seat
    }),
  }
}

function afterCall(state: HandState, seat: Seat): Seat {
  const toCall = Math.max(...state.seats.map(({ bet }) => bet)) - seat.bet
  if (toCall <= 0) return { ...seat, action: 'checks' }
  const paid = pay(seat, toCall)
  return { ...paid, action: `${paid.allIn ? 'all in' : 'calls'} ${formatCents(paid.bet - seat.bet)}` }
}

function afterRaise(state: HandState, seat: Seat, to: Cents): Seat {
  const highest = Math.max(...state.seats.map(({ bet }) => bet))
  if (to <= highest) throw new IllegalActionError(`bets ${formatCents(to)} where ${formatCents(highest)} is to be called`)
  if (to - seat.bet > seat.stack) throw new IllegalActionError(`bets ${formatCents(to)} with ${formatCents(seat.stack + seat.bet)} left`)
  const paid = pay(seat, to - seat.bet)
  return { ...paid, action: `${paid.allIn ? 'all in' : highest === 0 ? 'bets' : 'raises to'} ${formatCents(to)}` }
}

function afterShow(seat: Seat, cards: readonly Card[]): Seat {
  const shown = cards.length > 0 && !cards.includes(UNKNOWN)
  return shown ? { ...seat, cards, action: 'shows' } : { ...seat, mucked: true, action: 'mucks' }
}

/**
 * The state after one action.
 * @throws IllegalActionError when no such player is in the hand, or the amount is not one they can bet
 */
export function applyAction(state: HandState, action: Action): HandState {
  if (state.over) throw new IllegalActionError('acts after the end of the hand')
  if (action.kind === 'deal-board') {
    const board = [...state.board, ...action.cards]
    if (board.length > 5) throw new IllegalActionError('deals more than five cards to the board')
    return { ...collect(state), board, actor: undefined }
  }
  const seat = state.seats[action.player]
  if (!seat) throw new IllegalActionError(`names player ${action.player + 1} of ${state.seats.length}`)
  if (seat.folded) throw new IllegalActionError(`is about player ${action.player + 1}, who has folded`)
  const after = (): Seat => {
    switch (action.kind) {
      case 'deal-hole':
        return { ...seat, cards: [...seat.cards, ...action.cards] }
      case 'fold':
        return { ...seat, folded: true, action: 'folds' }
      case 'call':
        return afterCall(state, seat)
      case 'raise':
        return afterRaise(state, seat, action.to)
      case 'show':
        return afterShow(seat, action.cards)
    }
  }
  const changed = after()
  return {
    ...state,
    actor: action.kind === 'deal-hole' ? undefined : action.player,
    seats: state.seats.map((other, index) => (index === action.player ? changed : other)),
  }
}
