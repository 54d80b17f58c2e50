/** Two characters: rank of `23456789TJQKA`, suit of `cdhs`; `??` is a card that nobody has shown. */
export type Card = string

export const UNKNOWN: Card = '??'
const RANKS = '23456789TJQKA'

/**
 * Splits `7dQh6h` or `????` into cards.
 * @returns undefined when the text is not a row of cards
 */
export function parseCards(text: string): Card[] | undefined {
  if (!/^(?:[2-9TJQKA][cdhs]|\?\?)+$/.test(text)) return undefined
  return text.match(/../g) ?? []
}

const categories = [
  'high card',
  'a pair',
  'two pair',
  'three of a kind',
  'a straight',
  'a flush',
  'a full house',
  'four of a kind',
  'a straight flush',
] as const
export type Category = (typeof categories)[number]

/** What five cards are worth: a greater score beats a smaller one, an equal one splits. */
export interface Worth {
  category: Category
  score: number
}

/** @returns the top rank of a straight, 3 for the wheel (A2345), undefined for none. `ranks` descending and distinct. */
function straightTop(ranks: readonly number[]): number | undefined {
  if (ranks.length !== 5) return undefined
  const [top = 0, second = 0] = ranks
  const bottom = ranks[4] ?? 0
  if (top - bottom === 4) return top
  return top === 12 && second === 3 && bottom === 0 ? 3 : undefined
}

function categoryOf(shape: string, flush: boolean, straight: boolean): Category {
  if (straight && flush) return 'a straight flush'
  if (shape === '41') return 'four of a kind'
  if (shape === '32') return 'a full house'
  if (flush) return 'a flush'
  if (straight) return 'a straight'
  if (shape === '311') return 'three of a kind'
  if (shape === '221') return 'two pair'
  return shape === '2111' ? 'a pair' : 'high card'
}

function worthOfFive(cards: readonly Card[]): Worth {
  const counts = new Map<number, number>()
  for (const card of cards) {
    const rank = RANKS.indexOf(card.charAt(0))
    counts.set(rank, (counts.get(rank) ?? 0) + 1)
  }
  const groups = [...counts].sort(([rankA, countA], [rankB, countB]) => countB - countA || rankB - rankA)
  const ranks = groups.map(([rank]) => rank)
  const top = straightTop(ranks)
  const flush = new Set(cards.map((card) => card.charAt(1))).size === 1
  const category = categoryOf(groups.map(([, count]) => count).join(''), flush, top !== undefined)
  const kickers = top === undefined ? ranks : [top]
  const digits = [categories.indexOf(category), ...kickers, 0, 0, 0, 0].slice(0, 6)
  return { category, score: digits.reduce((score, digit) => score * 16 + digit, 0) }
}

/**
 * The best five of a player's and the board's cards.
 * @returns undefined with fewer than five cards, or when one of them is unknown
 */
export function bestWorth(cards: readonly Card[]): Worth | undefined {
  if (cards.length < 5 || cards.includes(UNKNOWN)) return undefined
  let best: Worth | undefined
  const choose = (chosen: Card[], from: number): void => {
    if (chosen.length === 5) {
      const worth = worthOfFive(chosen)
      if (best === undefined || worth.score > best.score) best = worth
      return
    }
    for (const [offset, card] of cards.slice(from).entries()) choose([...chosen, card], from + offset + 1)
  }
  choose([], 0)
  return best
}
