import type { Hand, Table } from './phh.ts'

/** When one hand's messages are due, in milliseconds since the play began. Message `i` is due at `startMs + i * intervalMs`. */
export interface HandPace {
  startMs: number
  intervalMs: number
}

/** Between the moves of a table's only hand, and the most between those of a table's last hand, at speed 1. */
const DEFAULT_INTERVAL_MS = 2_000
const LAST_HAND_MAX_INTERVAL_MS = 5_000

/** Messages of a hand: its start, its actions and its end. */
export function messagesOf(hand: Hand): number {
  return hand.actions.length + 2
}

function meanInterval(hands: readonly Hand[]): number {
  let time = 0
  let messages = 0
  for (const [index, hand] of hands.entries()) {
    const next = hands[index + 1]
    if (hand.startMs === undefined || next?.startMs === undefined) continue
    time += next.startMs - hand.startMs
    messages += messagesOf(hand)
  }
  return messages === 0 ? DEFAULT_INTERVAL_MS : Math.min(time / messages, LAST_HAND_MAX_INTERVAL_MS)
}

/**
 * Spreads the play over time: hands begin when they began, counted from the earliest of all tables, and the messages of a hand
 * are spread evenly up to the table's next hand; those of a table's last hand keep the table's mean pace. A hand without a
 * time follows the one before.
 * @param speed how many times faster than it was played
 * @returns for each table, for each hand
 */
export function pace(tables: readonly Table[], speed: number): HandPace[][] {
  const starts = tables.flatMap(({ hands }) => hands.flatMap(({ startMs }) => (startMs === undefined ? [] : [startMs])))
  const origin = starts.length === 0 ? 0 : Math.min(...starts)
  return tables.map(({ hands }) => {
    const mean = meanInterval(hands)
    let free = 0
    return hands.map((hand, index) => {
      const start = Math.max(free, hand.startMs === undefined ? free : hand.startMs - origin)
      const next = hands[index + 1]?.startMs
      const interval = next === undefined ? mean : Math.max(0, next - origin - start) / messagesOf(hand)
      free = start + interval * messagesOf(hand)
      return { startMs: start / speed, intervalMs: interval / speed }
    })
  })
}
