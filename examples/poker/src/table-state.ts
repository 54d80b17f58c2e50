import { toCents } from './amount.ts'
import { actorOf, applyAction, type HandState, IllegalActionError, parseAction, startHand } from './hand.ts'
import {
  DEALER,
  type EndMessage,
  type HandMessage,
  isPlayMessage,
  type MoveMessage,
  type PlayMessage,
  type RosterEntry,
} from './messages.ts'
import { describeMove, shortName } from './script.ts'
import { payOut, returnUncalled } from './settle.ts'

/** A message as it came, from anybody. */
export interface Incoming {
  /** Device key of the sender, base64url. */
  sender: string
  data: unknown
}

/** What is to be seen of one table. */
export interface TableState {
  /** Creator of the channel: only what this key signs is the dealer's. */
  dealerKey: string
  roster: readonly RosterEntry[]
  /** The hand on the table, or the last one played. */
  hand: { setup: HandMessage; state: HandState; result: string | undefined; street: string } | undefined
  /** What happened in this hand, oldest first. */
  log: readonly string[]
  /** Number of the message to be understood next; undefined until a hand has begun. */
  next: number | undefined
  /** Came before their turn. */
  early: ReadonlyMap<number, Incoming & { data: PlayMessage }>
}

export function emptyTable(dealerKey: string): TableState {
  return { dealerKey, roster: [], hand: undefined, log: [], next: undefined, early: new Map() }
}

function keyOf(state: TableState, actor: string): string | undefined {
  return actor === DEALER ? state.dealerKey : state.roster.find(({ player }) => player === actor)?.key
}

/** Most messages held back for an earlier one. */
const MAX_EARLY = 500

const streets: Record<number, string> = { 0: 'Pre-flop', 3: 'Flop', 4: 'Turn', 5: 'River' }

function begin(state: TableState, setup: HandMessage): TableState {
  const hand = { setup, state: startHand(setup), result: undefined, street: 'Pre-flop' }
  return { ...state, roster: setup.roster, hand, log: [], next: setup.step + 1 }
}

function move(state: TableState, message: MoveMessage): TableState {
  const { hand } = state
  const next = message.step + 1
  const action = parseAction(message.action)
  if (!hand || hand.setup.hand !== message.hand || !action) return { ...state, next }
  const actor = actorOf(action)
  const rightful = actor === undefined ? DEALER : hand.setup.players[actor]
  if (rightful !== message.actor) return { ...state, next }
  try {
    const after = applyAction(hand.state, action)
    const line = `${actor === undefined ? 'Dealer' : shortName(message.actor)} ${describeMove(hand.setup.players, message.action, after)}`
    const log = action.kind === 'deal-hole' ? state.log : [...state.log, line]
    return { ...state, next, log, hand: { ...hand, state: after, street: streets[after.board.length] ?? hand.street } }
  } catch (error) {
    if (error instanceof IllegalActionError) return { ...state, next }
    throw error
  }
}

function end(state: TableState, message: EndMessage): TableState {
  const { hand } = state
  const next = message.step + 1
  if (!hand || hand.setup.hand !== message.hand || message.actor !== DEALER) return { ...state, next }
  const won = (message.winnings ?? []).map(toCents)
  const after = payOut(returnUncalled(hand.state), won)
  return { ...state, next, log: [...state.log, message.result], hand: { ...hand, state: after, result: message.result } }
}

function understand(state: TableState, message: PlayMessage): TableState {
  switch (message.type) {
    case 'table':
      return { ...state, roster: message.roster, next: message.step + 1 }
    case 'hand':
      return begin(state, message)
    case 'move':
      return move(state, message)
    case 'end':
      return end(state, message)
  }
}

function isBeginning({ type, actor }: PlayMessage): boolean {
  return (type === 'hand' || type === 'table') && actor === DEALER
}

/**
 * The table after one more message. Messages are understood in the order of their steps, whatever order they come in; what is
 * not signed by the one whose turn it is, is no message of the table.
 */
export function receive(state: TableState, { sender, data }: Incoming): TableState {
  if (!isPlayMessage(data)) return state
  if (state.early.size >= MAX_EARLY || (state.next !== undefined && data.step < state.next)) return state
  const beginning = isBeginning(data)
  const rightful = keyOf(state, data.actor)
  if (rightful === undefined ? state.roster.length > 0 : rightful !== sender) return state
  const early = new Map(state.early).set(data.step, { sender, data })
  // The beginning of a hand needs nothing before it, so a gap never outlasts the hand it is in.
  let current: TableState = { ...state, early, next: beginning ? data.step : state.next }
  for (;;) {
    const turn = current.next === undefined ? undefined : early.get(current.next)
    for (const step of early.keys()) if (current.next !== undefined && step <= current.next) early.delete(step)
    if (!turn) return current
    if (keyOf(current, turn.data.actor) !== turn.sender) return current
    current = understand(current, turn.data)
  }
}
