import { expect, it } from 'vitest'
import { bestWorth, parseCards, type Card } from './cards.ts'

const cards = (text: string): Card[] => parseCards(text.replaceAll(' ', '')) ?? []

it.each([
  ['Ah Kd 9c 7s 5h 3d 2c', 'high card'],
  ['Ah Ad 9c 7s 5h 3d 2c', 'a pair'],
  ['Ah Ad 9c 9s 5h 5d 2c', 'two pair'],
  ['Ah Ad Ac 9s 5h 3d 2c', 'three of a kind'],
  ['Ah 2d 3c 4s 5h 9d 9c', 'a straight'],
  ['Th Jd Qc Ks Ah 2d 3c', 'a straight'],
  ['Ah 9h 7h 5h 3h 3d 3c', 'a flush'],
  ['Ah Ad Ac 9s 9h 3d 3c', 'a full house'],
  ['Ah Ad Ac As 9h 9d 9c', 'four of a kind'],
  ['5h 6h 7h 8h 9h Ad Ac', 'a straight flush'],
])('%s is %s', (text, category) => {
  expect(bestWorth(cards(text))?.category).toBe(category)
})

it('orders hands of each category above the next, and by kicker within one', () => {
  const scores = [
    '5h 6h 7h 8h 9h',
    'Ah 2h 3h 4h 5h',
    'Ah Ad Ac As 9h',
    'Kh Kd Kc Ah Ad',
    'Ah Kh 7h 5h 3h',
    'Ah Qh Jh Th 8h',
    'Th Jd Qc Ks Ah',
    'Ah 2d 3c 4s 5h',
    'Ah Ad Ac 9s 5h',
    'Ah Ad 9c 9s 5h',
    'Ah Ad 9c 9s 4h',
    'Ah Ad 9c 7s 5h',
    'Kh Kd Ac 7s 5h',
    'Ah Kd 9c 7s 5h',
  ].map((text) => bestWorth(cards(text))?.score ?? Number.NaN)
  expect(scores).toEqual([...scores].sort((a, b) => b - a))
  expect(new Set(scores).size).toBe(scores.length)
})

it('knows nothing of cards that were not shown', () => {
  expect(bestWorth(cards('Ah Ad Ac 9s 5h 3d ??'))).toBeUndefined()
  expect(bestWorth(cards('Ah Ad'))).toBeUndefined()
})
