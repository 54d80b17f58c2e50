import { describe, expect, it } from 'vitest'
import { cardName, withSuits } from './card-view.ts'
import { guestName, hueOf, MAX_NAME, MAX_TEXT, readChatMessage } from './chat-message.ts'
import { hashOf, routeOf } from './route.ts'
import { seatPosition } from './table-card.ts'

const ID = 'OPW-YES--MWXke49kvBsaN-7MkS7ccBVA1jVkJAmZ1E'

describe('the address', () => {
  it.each([
    ['', { view: 'tables' }],
    ['#tables', { view: 'tables' }],
    ['#chat', { view: 'chat', channel: undefined }],
    ['#/chat', { view: 'chat', channel: undefined }],
    ['#chatter', { view: 'tables' }],
    [`#chat=${ID}`, { view: 'chat', channel: ID }],
    [`#chat=${ID.slice(1)}`, { view: 'chat', channel: undefined }],
    [`#chat=${ID}"><script>`, { view: 'chat', channel: undefined }],
  ])('%s', (hash, route) => {
    expect(routeOf(hash)).toEqual(route)
  })

  it('is what the page makes of it', () => {
    expect(routeOf(hashOf({ view: 'chat', channel: ID }))).toEqual({ view: 'chat', channel: ID })
    expect(routeOf(hashOf({ view: 'chat', channel: undefined }))).toEqual({ view: 'chat', channel: undefined })
  })
})

describe('a chat message', () => {
  it.each([
    ['text and a name', { type: 'chat', name: ' Ada ', text: 'hello' }, { type: 'chat', name: 'Ada', text: 'hello' }],
    ['no name', { type: 'chat', text: 'hello' }, { type: 'chat', name: 'Somebody', text: 'hello' }],
    ['a long name', { type: 'chat', name: 'x'.repeat(99), text: 'hello' }, { type: 'chat', name: 'x'.repeat(MAX_NAME), text: 'hello' }],
    ['no text', { type: 'chat', name: 'Ada', text: '' }, undefined],
    ['a text without bound', { type: 'chat', name: 'Ada', text: 'x'.repeat(MAX_TEXT + 1) }, undefined],
    ['another type', { type: 'move', name: 'Ada', text: 'hello' }, undefined],
    ['no object', 'hello', undefined],
    ['null', null, undefined],
  ])('with %s', (_, data, expected) => {
    expect(readChatMessage(data)).toEqual(expected)
  })

  it('has the colour of its sender', () => {
    expect(hueOf(ID)).toBe(hueOf(ID))
    expect(new Set([ID, ID.toLowerCase(), ID.slice(1)].map(hueOf)).size).toBe(3)
    expect(guestName(0)).toBe('Guest 1000')
    expect(guestName(0.99999)).toBe('Guest 9999')
  })
})

describe('cards', () => {
  it('have names for those who hear the page', () => {
    expect(['Ah', 'Tc', '2d', '??'].map(cardName)).toEqual(['ace of hearts', 'ten of clubs', '2 of diamonds', 'hidden card'])
  })

  it('have the signs of their suits in a text, and names of players stay what they are', () => {
    expect(withSuits('4sTcJh/ shows Js Th')).toBe('4sTcJh/ shows J♠ 10♥')
    expect(withSuits('Dealer deals the flop 8d 4d 5d')).toBe('Dealer deals the flop 8♦ 4♦ 5♦')
  })
})

it('seats lie around the table, apart from each other and within it', () => {
  for (const seats of [2, 6, 9]) {
    const places = Array.from({ length: seats }, (_, index) => seatPosition(index, seats))
    for (const { x, y } of places) expect(x >= 5 && x <= 95 && y >= 5 && y <= 95).toBe(true)
    expect(new Set(places.map(({ x, y }) => `${Math.round(x)} ${Math.round(y)}`)).size).toBe(seats)
  }
})
