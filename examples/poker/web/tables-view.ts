import { TABLE_PREFIX } from '../src/messages.ts'
import { emptyTable, receive } from '../src/table-state.ts'
import { element } from './elements.ts'
import type { ChannelInfo, Follower, Session } from './session.ts'
import { TableCard } from './table-card.ts'
import type { View } from './views.ts'

/** Enough of a table's past to contain the hand that is being played from its beginning. */
const RECENT_MESSAGES = 200

/**
 * Tables followed at once. A browser opens six HTTP/1.1 connections to one server, for all its tabs together, and each table needs one;
 * the other tables wait for a click.
 */
const MAX_LIVE = 3

interface OpenTable {
  card: TableCard
  channel: ChannelInfo
  /** Only while the table is followed. */
  follower: Follower | undefined
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
    for (const { follower } of this.#open.values()) follower?.close()
  }

  /** What a server does not list has not gone: it may not have heard of it yet. Only a newer table of its name takes a table's place. */
  #show(channels: readonly ChannelInfo[]): void {
    for (const channel of channels) {
      if (!channel.name.startsWith(TABLE_PREFIX) || this.#open.has(channel.id)) continue
      const known = [...this.#open.values()].find((table) => table.channel.name === channel.name)
      if (known && known.channel.createdAt >= channel.createdAt) continue
      if (known) this.#remove(known)
      this.#add(channel)
    }
    const inOrder = [...this.#open.values()].sort((a, b) => a.channel.createdAt - b.channel.createdAt).map(({ card }) => card.root)
    if (inOrder.some((root, index) => this.#grid.children[index] !== root)) this.#grid.replaceChildren(...inOrder)
    if (this.#open.size > 0) this.#empty.hidden = true
    else this.#explain('No table is open yet', 'As soon as a dealer opens one in this neighborhood, it appears here.')
  }

  #remove({ card, channel, follower }: OpenTable): void {
    follower?.close()
    card.root.remove()
    this.#open.delete(channel.id)
  }

  #add(channel: ChannelInfo): void {
    const table: OpenTable = { card: new TableCard(nameOf(channel), channel.id), channel, follower: undefined }
    this.#open.set(channel.id, table)
    const live = [...this.#open.values()].filter(({ follower }) => follower !== undefined)
    if (live.length < MAX_LIVE) this.#watch(table)
    else this.#pause(table)
  }

  #pause(table: OpenTable): void {
    table.follower?.close()
    table.follower = undefined
    table.card.offer(() => {
      const longest = [...this.#open.values()].find(({ follower }) => follower !== undefined)
      if (longest) this.#pause(longest)
      // The one watched last is paused last.
      this.#open.delete(table.channel.id)
      this.#open.set(table.channel.id, table)
      this.#watch(table)
    })
  }

  #watch(table: OpenTable): void {
    const { card, channel } = table
    let state = emptyTable(channel.creator)
    let result: string | undefined
    card.waiting('Opening the channel …')
    table.follower = this.#session.follow(channel.id, {
      recent: RECENT_MESSAGES,
      message: (message) => {
        state = receive(state, message)
        card.update(state)
        const now = state.hand?.result
        if (now !== undefined && now !== result && message.live) this.#results.textContent = `${nameOf(channel)}: ${now}`
        result = now
      },
      opened: () => card.waiting('Waiting for the next hand …'),
      failed: (problem) => card.waiting(problem),
    })
  }

  #explain(title: string, text: string): void {
    this.#empty.hidden = false
    this.#empty.replaceChildren(element('strong', { text: title }), text)
  }
}

function nameOf({ name }: ChannelInfo): string {
  return name.slice(TABLE_PREFIX.length)
}
