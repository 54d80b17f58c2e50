import { TABLE_PREFIX } from '../src/messages.ts'
import { emptyTable, receive } from '../src/table-state.ts'
import { element } from './elements.ts'
import type { ChannelInfo, Follower, Session } from './session.ts'
import { TableCard } from './table-card.ts'
import type { View } from './views.ts'

/** Enough of a table's past to contain the hand that is being played from its beginning. */
const RECENT_MESSAGES = 200

interface OpenTable {
  card: TableCard
  created: number
  follower: Follower
}

/** All poker tables of the neighborhood, live. Of tables with one name only the newest is shown. */
export class TablesView implements View {
  readonly root = element('section', { attributes: { 'aria-label': 'Poker tables' } })
  readonly #grid = element('div', { class: 'tables', testid: 'tables' })
  readonly #empty = element('div', { class: 'empty', testid: 'tables-empty', attributes: { role: 'status' } })
  readonly #results = element('p', { class: 'visually-hidden', attributes: { 'aria-live': 'polite' } })
  readonly #open = new Map<string, OpenTable>()
  readonly #session: Session
  readonly #stop: () => void

  constructor(session: Session) {
    this.#session = session
    this.root.append(element('h1', { class: 'visually-hidden', text: 'Tables' }), this.#grid, this.#empty, this.#results)
    this.#explain('Looking for tables …', 'Asking the servers of the neighborhood for their channels.')
    this.#stop = session.watchChannels({
      found: (channels) => this.#show(channels),
      failed: (problem) => {
        if (this.#open.size === 0) this.#explain('No tables to be seen', problem)
      },
    })
  }

  close(): void {
    this.#stop()
    for (const { follower } of this.#open.values()) follower.close()
  }

  #show(channels: readonly ChannelInfo[]): void {
    const newest = new Map<string, ChannelInfo>()
    for (const channel of channels) {
      const name = channel.name.startsWith(TABLE_PREFIX) ? channel.name.slice(TABLE_PREFIX.length) : undefined
      const known = name === undefined ? undefined : newest.get(name)
      if (name !== undefined && (known?.createdAt ?? 0) <= channel.createdAt) newest.set(name, channel)
    }
    const wanted = new Set([...newest.values()].map(({ id }) => id))
    for (const [id, { card, follower }] of this.#open) {
      if (wanted.has(id)) continue
      follower.close()
      card.root.remove()
      this.#open.delete(id)
    }
    for (const [name, channel] of newest) if (!this.#open.has(channel.id)) this.#add(name, channel)
    const inOrder = [...this.#open.values()].sort((a, b) => a.created - b.created).map(({ card }) => card.root)
    if (inOrder.some((root, index) => this.#grid.children[index] !== root)) this.#grid.replaceChildren(...inOrder)
    if (this.#open.size > 0) this.#empty.hidden = true
    else this.#explain('No table is open yet', 'As soon as a dealer opens one in this neighborhood, it appears here.')
  }

  #add(name: string, channel: ChannelInfo): void {
    const card = new TableCard(name, channel.id)
    let table = emptyTable(channel.creator)
    let result: string | undefined
    const follower = this.#session.follow(channel.id, {
      recent: RECENT_MESSAGES,
      message: (message) => {
        table = receive(table, message)
        card.update(table)
        const now = table.hand?.result
        if (now !== undefined && now !== result && message.live) this.#results.textContent = `${name}: ${now}`
        result = now
      },
      failed: (problem) => card.waiting(problem),
    })
    this.#open.set(channel.id, { card, created: channel.createdAt, follower })
  }

  #explain(title: string, text: string): void {
    this.#empty.hidden = false
    this.#empty.replaceChildren(element('strong', { text: title }), text)
  }
}
