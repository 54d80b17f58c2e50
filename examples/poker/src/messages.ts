/** The dealer's name in a message. */
export const DEALER = 'dealer'
/** Channels of tables are named with this before the table's name. */
export const TABLE_PREFIX = 'poker: '

/** A player of a table over all its hands, with the device key that their messages must be signed with. */
export interface RosterEntry {
  player: string
  seat: number
  key: string
}

interface Step {
  /** Gap-free count within the channel, from 0: the order in which the messages are to be understood. */
  step: number
  /** A player's name or {@link DEALER}. */
  actor: string
}

/** First in every channel: who plays here. */
interface TableMessage extends Step {
  type: 'table'
  table: string
  roster: RosterEntry[]
}

/** Begins a hand; it tells all that a late reader needs. Amounts are decimals, one for each of `players`. */
export interface HandMessage extends Step {
  type: 'hand'
  table: string
  hand: string
  index: 0
  currency: string
  roster: RosterEntry[]
  /** Who is dealt in, by name, `p1` first. */
  players: string[]
  stacks: number[]
  antes: number[]
  blinds: number[]
}

/** One action, in the Poker Hand History notation. */
export interface MoveMessage extends Step {
  type: 'move'
  hand: string
  /** From 1 within the hand. */
  index: number
  action: string
}

/** Ends a hand. */
export interface EndMessage extends Step {
  type: 'end'
  hand: string
  index: number
  /** What each player took from the pot, decimals; null when neither the source nor the cards shown tell. */
  winnings: number[] | null
  /** In words. */
  result: string
}

export type PlayMessage = TableMessage | HandMessage | MoveMessage | EndMessage

type Fields = Record<string, unknown>

const isText = (value: unknown): value is string => typeof value === 'string'
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
const isAmount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0
const isListOf =
  <T>(accept: (value: unknown) => value is T) =>
  (value: unknown): value is T[] =>
    Array.isArray(value) && value.length <= 32 && value.every(accept)
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const isRosterEntry = (value: unknown): value is RosterEntry =>
  isFields(value) && isText(value.player) && isCount(value.seat) && isText(value.key)
const isRoster = isListOf(isRosterEntry)
const isAmounts = isListOf(isAmount)

/** Whether a channel's message is one of a table's. Channels are open: anybody may have written anything. */
export function isPlayMessage(value: unknown): value is PlayMessage {
  if (!isFields(value) || !isCount(value.step) || !isText(value.actor)) return false
  if (value.type === 'table') return isText(value.table) && isRoster(value.roster)
  if (!isText(value.hand) || !isCount(value.index)) return false
  if (value.type === 'move') return isText(value.action)
  if (value.type === 'end') return isText(value.result) && (value.winnings === null || isAmounts(value.winnings))
  if (value.type !== 'hand' || !isText(value.table) || !isText(value.currency) || !isRoster(value.roster)) return false
  if (!isListOf(isText)(value.players)) return false
  const players = value.players.length
  return [value.stacks, value.antes, value.blinds].every((list) => isAmounts(list) && list.length === players)
}
