import { type Cents, formatCents } from '../src/amount.ts'
import { type HandState, potOf, type Seat } from '../src/hand.ts'
import { shortName } from '../src/script.ts'
import type { TableState } from '../src/table-state.ts'
import { cardName, cardView, withSuits } from './card-view.ts'
import { element, setText } from './elements.ts'

const LOG_LINES = 6

interface SeatView {
  root: HTMLElement
  stack: HTMLElement
  action: HTMLElement
  cards: HTMLElement
  bet: HTMLElement
}

/** Where the centre of a seat lies on the felt, in percent; the first seat is at the bottom, the rest follow clockwise. */
export function seatPosition(index: number, seats: number): { x: number; y: number } {
  const angle = Math.PI / 2 + (2 * Math.PI * index) / seats
  return { x: 50 + 41 * Math.cos(angle), y: 50 + 39 * Math.sin(angle) }
}

/** Between the seat and the middle of the table, clear of the cards and words that stand there. */
function betPosition({ x, y }: { x: number; y: number }): { x: number; y: number } {
  const [across, down] = [x - 50, y - 50]
  const sideways = Math.min(1, Math.abs(across) / 35)
  return { x: 50 + across * (Math.abs(down) < 12 ? 0.6 : 0.37), y: 50 + down * (0.53 + 0.24 * sideways) }
}

/** Who wins, without the amounts that stand at the seats. */
function winnersOf(players: readonly string[], { seats, over }: HandState): string {
  if (!over) return ''
  const winners = players.filter((_, index) => (seats[index]?.won ?? 0) > 0).map(shortName)
  if (winners.length === 0) return 'Cards not shown'
  return winners.length === 1 ? `${winners[0]} wins` : 'Split pot'
}

/** One table as it is drawn: built once, then changed in place so that what moves can be seen to move. */
export class TableCard {
  readonly root: HTMLElement
  readonly #stakes = element('p', { class: 'stakes' })
  readonly #felt = element('div', { class: 'felt' })
  readonly #board = element('div', { class: 'board', testid: 'board', attributes: { role: 'group', 'aria-label': 'Board' } })
  readonly #pot = element('p', { class: 'pot', testid: 'pot' })
  readonly #street = element('p', { class: 'street' })
  readonly #result = element('p', { class: 'result', testid: 'result' })
  readonly #watch = element('button', { class: 'watch', text: 'Watch this table', testid: 'watch', attributes: { type: 'button' } })
  readonly #log = element('ol', { class: 'log', testid: 'log', attributes: { 'aria-label': 'Last actions' } })
  readonly #seats = new Map<string, SeatView>()
  #shown: { board: string; log: string } = { board: '-', log: '-' }

  constructor(name: string, channel: string) {
    const heading = element('h2', { text: name, attributes: { id: `table-${channel}` } })
    this.#felt.append(element('div', { class: 'middle' }, [this.#street, this.#board, this.#pot, this.#result, this.#watch]))
    this.root = element(
      'article',
      { class: 'table', testid: 'table', attributes: { 'data-channel': channel, 'data-table': name, 'aria-labelledby': heading.id } },
      [element('header', {}, [heading, this.#stakes]), this.#felt, this.#log],
    )
    this.waiting('Opening the channel …')
  }

  /** Says why there is nothing to be seen. */
  waiting(text: string): void {
    this.#watch.hidden = true
    this.root.dataset['phase'] = 'waiting'
    setText(this.#street, text)
  }

  /** Offers to follow the table. */
  offer(watch: () => void): void {
    this.waiting('')
    this.root.dataset['phase'] = 'paused'
    this.#watch.hidden = false
    this.#watch.onclick = watch
  }

  update(table: TableState): void {
    this.#seatPlayers(table)
    const { hand } = table
    if (!hand) return this.waiting('Waiting for the next hand …')
    const { setup, state, street } = hand
    const currency = setup.currency
    this.root.dataset['phase'] = state.over ? 'over' : 'playing'
    this.root.dataset['hand'] = setup.hand
    setText(
      this.#stakes,
      `${setup.blinds
        .filter((blind) => blind > 0)
        .map((blind) => formatCents(blind * 100, currency))
        .join(' / ')} · hand ${setup.hand}`,
    )
    setText(this.#street, state.over ? '' : street)
    setText(this.#pot, `Pot ${formatCents(state.over ? state.collected : potOf(state), currency)}`)
    setText(this.#result, winnersOf(setup.players, state))
    this.#showBoard(state.board)
    this.#showLog(table.log)
    const places = new Map(setup.players.map((player, index) => [player, index]))
    for (const [player, view] of this.#seats) {
      const index = places.get(player)
      showSeat(view, {
        seat: index === undefined ? undefined : state.seats[index],
        currency,
        acting: index !== undefined && index === state.actor,
      })
    }
  }

  #seatPlayers({ roster }: TableState): void {
    if (roster.length === 0 || (roster.length === this.#seats.size && roster.every(({ player }) => this.#seats.has(player)))) return
    for (const { root, bet } of this.#seats.values()) {
      root.remove()
      bet.remove()
    }
    this.#seats.clear()
    for (const [index, { player, seat }] of roster.entries()) {
      const view = newSeat(player, seat)
      const { x, y } = seatPosition(index, roster.length)
      view.root.style.left = `${x}%`
      view.root.style.top = `${y}%`
      const bet = betPosition({ x, y })
      view.bet.style.left = `${bet.x}%`
      view.bet.style.top = `${bet.y}%`
      this.#seats.set(player, view)
      this.#felt.append(view.root, view.bet)
    }
  }

  #showBoard(board: readonly string[]): void {
    const key = board.join(' ')
    if (this.#shown.board === key) return
    this.#shown.board = key
    const cards = Array.from({ length: 5 }, (_, index) => {
      const card = board[index]
      return card === undefined ? element('span', { class: 'card slot', attributes: { 'aria-hidden': 'true' } }) : cardView(card)
    })
    this.#board.setAttribute('aria-label', board.length === 0 ? 'No cards on the board' : `Board: ${board.map(cardName).join(', ')}`)
    this.#board.replaceChildren(...cards)
  }

  #showLog(log: readonly string[]): void {
    const lines = log.slice(-LOG_LINES).reverse()
    const key = `${log.length} ${lines.join('\n')}`
    if (this.#shown.log === key) return
    this.#shown.log = key
    this.#log.replaceChildren(...lines.map((text) => element('li', { text: withSuits(text) })))
  }
}

function newSeat(player: string, seat: number): SeatView {
  const view = {
    stack: element('span', { class: 'stack' }),
    action: element('span', { class: 'action' }),
    cards: element('span', { class: 'hole' }),
    bet: element('span', { class: 'bet' }),
  }
  const name = element('span', { class: 'name', text: shortName(player), attributes: { title: `${player}, seat ${seat}` } })
  const root = element(
    'div',
    {
      class: 'seat',
      testid: 'seat',
      attributes: { role: 'group', 'aria-label': `Seat ${seat}, ${shortName(player)}`, 'data-player': player },
    },
    [view.cards, element('span', { class: 'plate' }, [name, view.stack, view.action])],
  )
  return { ...view, root }
}

/** Neither the hidden cards of those who folded nor empty bets are drawn. */
function showSeat(view: SeatView, { seat, currency, acting }: { seat: Seat | undefined; currency: string; acting: boolean }): void {
  const money = (amount: Cents): string => formatCents(amount, currency)
  view.root.classList.toggle('out', seat === undefined)
  view.root.classList.toggle('folded', seat?.folded ?? false)
  view.root.classList.toggle('acting', acting)
  view.root.classList.toggle('won', (seat?.won ?? 0) > 0)
  setText(view.stack, seat ? money(seat.stack) : 'sits out')
  setText(view.action, seat ? (seat.won > 0 ? `+${money(seat.won)}` : seat.action) : '')
  setText(view.bet, seat && seat.bet > 0 ? money(seat.bet) : '')
  const cards = seat && !seat.folded && !seat.mucked ? seat.cards : []
  const known = cards.join(' ')
  if (view.cards.dataset['cards'] === known) return
  view.cards.dataset['cards'] = known
  view.cards.replaceChildren(...cards.map(cardView))
}
