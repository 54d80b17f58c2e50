import { element } from './elements.ts'

const suits: Record<string, { symbol: string; name: string }> = {
  s: { symbol: '♠', name: 'spades' },
  h: { symbol: '♥', name: 'hearts' },
  d: { symbol: '♦', name: 'diamonds' },
  c: { symbol: '♣', name: 'clubs' },
}
const ranks: Record<string, string> = { T: 'ten', J: 'jack', Q: 'queen', K: 'king', A: 'ace' }

/** `Ah` as `ace of hearts`, for readers of the screen. */
export function cardName(card: string): string {
  const [rank = '', suit = ''] = card
  const named = suits[suit]
  return named ? `${ranks[rank] ?? rank} of ${named.name}` : 'hidden card'
}

/** Cards in a text such as `shows Js Th` with the signs of their suits. */
export function withSuits(text: string): string {
  return text.replace(
    /(?<= )([2-9TJQKA])([cdhs])(?= |$)/g,
    (_, rank: string, suit: string) => `${rank === 'T' ? '10' : rank}${suits[suit]?.symbol ?? suit}`,
  )
}

/** A playing card, or its back when nobody has shown it. */
export function cardView(card: string): HTMLElement {
  const [rank = '', suit = ''] = card
  const named = suits[suit]
  const attributes = { role: 'img', 'aria-label': cardName(card) }
  if (!named) return element('span', { class: 'card back', attributes })
  return element('span', { class: `card ${suit}`, attributes }, [
    element('span', { class: 'rank', text: rank === 'T' ? '10' : rank }),
    element('span', { class: 'suit', text: named.symbol }),
  ])
}
