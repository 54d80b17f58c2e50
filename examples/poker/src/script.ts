import { formatCents, fromCents, toCents } from './amount.ts'
import { UNKNOWN } from './cards.ts'
import { actorOf, applyAction, type HandState, parseAction, startHand } from './hand.ts'
import { DEALER, type PlayMessage, type RosterEntry } from './messages.ts'
import type { HandPace } from './pacing.ts'
import type { Hand, Table } from './phh.ts'
import { payOut, returnUncalled, settle } from './settle.ts'

/** One message to be published, by whom and when. */
export interface Cue {
  message: PlayMessage
  /** In milliseconds since the play began. */
  dueMs: number
  /** What the actor does, in words. */
  text: string
}

/** Every player of a table with their seat, in the order of the seats. */
export function playersOf(table: Table): { player: string; seat: number }[] {
  const seats = new Map<string, number>()
  for (const hand of table.hands) {
    for (const [index, player] of hand.players.entries()) if (!seats.has(player)) seats.set(player, hand.seats[index] ?? index + 1)
  }
  return [...seats].map(([player, seat]) => ({ player, seat })).sort((a, b) => a.seat - b.seat)
}

/** Names at the source are hashes; their beginning tells them apart. */
export function shortName(player: string): string {
  return player.length > 10 ? player.slice(0, 6) : player
}

const streets: Record<number, string> = { 3: 'flop', 4: 'turn', 5: 'river' }

/** What a move's actor does, in words, such as `raises to 40` or `deals the flop 7d Qh 6h`. */
export function describeMove(players: readonly string[], text: string, after: HandState): string {
  const action = parseAction(text)
  if (!action) return text
  if (action.kind === 'deal-board') return `deals the ${streets[after.board.length] ?? 'board'} ${action.cards.join(' ')}`
  if (action.kind === 'deal-hole') return `deals to ${shortName(players[action.player] ?? '')}`
  const cards = action.kind === 'show' && action.cards.length > 0 && !action.cards.includes(UNKNOWN) ? ` ${action.cards.join(' ')}` : ''
  return `${after.seats[action.player]?.action ?? ''}${cards}`
}

function playThrough(hand: Hand): HandState {
  return hand.actions.reduce((state, text) => {
    const action = parseAction(text)
    return action ? applyAction(state, action) : state
  }, startHand(hand))
}

/** How a hand ends: what the source says, or else what the cards say. */
export function outcomeOf(hand: Hand): { winnings: number[] | null; result: string; state: HandState } {
  const state = returnUncalled(playThrough(hand))
  const settlement = hand.winnings ? { won: hand.winnings.map(toCents), category: undefined } : settle(state)
  if (!settlement) return { winnings: null, result: 'The winning cards were not shown', state }
  const winners = settlement.won.flatMap((won, index) => {
    return won > 0 ? [{ name: shortName(hand.players[index] ?? ''), amount: formatCents(won, hand.currency) }] : []
  })
  const [winner, ...others] = winners
  const category = settlement.category ? ` with ${settlement.category}` : ''
  const shares = winners.map(({ name, amount }) => `${name} ${amount}`).join(' and ')
  const who = others.length > 0 ? `Split pot: ${shares}` : `${winner?.name} wins ${winner?.amount}`
  const result = winner ? `${who}${category}` : 'Nobody wins'
  return { winnings: settlement.won.map(fromCents), result, state: payOut(state, settlement.won) }
}

function actorName(hand: Hand, text: string): string {
  const action = parseAction(text)
  const actor = action && actorOf(action)
  return actor === undefined ? DEALER : (hand.players[actor] ?? DEALER)
}

/** The messages of one hand, the first with number `step`. */
function cuesOfHand(table: { name: string; roster: RosterEntry[] }, hand: Hand, { step, at }: { step: number; at: HandPace }): Cue[] {
  const { winnings, result } = outcomeOf(hand)
  const dealer = { hand: hand.id, actor: DEALER }
  const start: PlayMessage = {
    type: 'hand',
    step,
    ...dealer,
    index: 0,
    table: table.name,
    currency: hand.currency,
    roster: table.roster,
    players: [...hand.players],
    stacks: [...hand.stacks],
    antes: [...hand.antes],
    blinds: [...hand.blinds],
  }
  const texts = [`begins hand ${hand.id}`]
  let state = startHand(hand)
  const moves = hand.actions.map((text, index): PlayMessage => {
    const action = parseAction(text)
    if (action) state = applyAction(state, action)
    texts.push(describeMove(hand.players, text, state))
    return { type: 'move', step: step + index + 1, hand: hand.id, index: index + 1, actor: actorName(hand, text), action: text }
  })
  const last = hand.actions.length + 1
  const end: PlayMessage = { type: 'end', step: step + last, ...dealer, index: last, winnings, result }
  texts.push('ends the hand')
  return [start, ...moves, end].map((message, index) => ({ message, dueMs: at.startMs + index * at.intervalMs, text: texts[index] ?? '' }))
}

/**
 * All messages of one table's hands, in order.
 * @param options.step number of the first message
 * @param options.paces one for each hand
 */
export function scriptOf(table: Table, roster: RosterEntry[], options: { step: number; paces: readonly HandPace[] }): Cue[] {
  const cues: Cue[] = []
  for (const [index, hand] of table.hands.entries()) {
    const at = options.paces[index] ?? { startMs: 0, intervalMs: 0 }
    cues.push(...cuesOfHand({ name: table.name, roster }, hand, { step: options.step + cues.length, at }))
  }
  return cues
}
