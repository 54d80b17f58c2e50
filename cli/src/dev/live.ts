import { styleText } from 'node:util'
import type { Streams } from '../output.ts'
import type { ExampleEvent } from './example.ts'
import { milliseconds } from './summary.ts'

const REDRAW_MS = 100

interface TableState {
  clients: number
  moves: number
  hand: string
  last: string
  result: string
}

/**
 * Shows the play on stderr: on a terminal a block with one entry for each table, drawn again in place; elsewhere one line for
 * each event.
 */
export class LiveView {
  readonly #stream: Streams['stderr'] & { columns?: number }
  readonly #tables = new Map<string, TableState>()
  #drawnLines = 0
  #timer: NodeJS.Timeout | undefined

  constructor(stream: Streams['stderr'] & { columns?: number }) {
    this.#stream = stream
  }

  show(event: ExampleEvent): void {
    this.#apply(event)
    if (!this.#stream.isTTY) {
      this.#stream.write(`${describe(event)}\n`)
      return
    }
    this.#timer ??= setTimeout(() => this.#draw(), REDRAW_MS)
  }

  /** A line above the tables. */
  note(text: string): void {
    this.#erase()
    this.#stream.write(`${text}\n`)
    if (this.#tables.size > 0 && this.#stream.isTTY) this.#draw()
  }

  /** Draws the last state and leaves it there. */
  end(): void {
    if (this.#timer) this.#draw()
    this.#drawnLines = 0
    this.#tables.clear()
  }

  #apply(event: ExampleEvent): void {
    const state = this.#tables.get(event.table) ?? { clients: 0, moves: 0, hand: '', last: '', result: '' }
    switch (event.type) {
      case 'table':
        state.clients = event.clients
        break
      case 'due':
        state.last = `${state.moves === 0 ? 'first hand' : 'once more'} at ${clockTime(Date.now() + event.inMs)}`
        break
      case 'move':
        state.moves++
        state.hand = String(event.hand)
        state.last = `${event.actor} ${event.text} (${milliseconds(event.latencyMs)})`
        break
      case 'hand':
        state.result = event.result
        break
    }
    this.#tables.set(event.table, state)
  }

  #draw(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#erase()
    const width = (this.#stream.columns || 80) - 1
    const inOrder = [...this.#tables].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    const lines = inOrder.flatMap(([name, state]) => tableLines(name, state))
    const shown = lines.map(({ style, text }) => styleText(style, clip(text, width), { validateStream: false }))
    this.#stream.write(`${shown.join('\n')}\n`)
    this.#drawnLines = lines.length
  }

  #erase(): void {
    if (this.#drawnLines > 0) this.#stream.write(`\u001b[${this.#drawnLines}A\u001b[J`)
    this.#drawnLines = 0
  }
}

interface Line {
  style: 'bold' | 'dim' | 'reset'
  text: string
}

function tableLines(name: string, { clients, moves, hand, last, result }: TableState): Line[] {
  return [
    {
      style: 'bold',
      text: `${name} · ${clients} clients · ${moves} ${moves === 1 ? 'move' : 'moves'}${hand === '' ? '' : ` · hand ${hand}`}`,
    },
    { style: 'reset', text: `  ${last || 'about to begin'}` },
    ...(result === '' ? [] : [{ style: 'dim', text: `  last hand: ${result}` } satisfies Line]),
  ]
}

function describe(event: ExampleEvent): string {
  switch (event.type) {
    case 'table':
      return `${event.table}: ${event.clients} clients in channel ${event.channel}`
    case 'due':
      return `${event.table}: next hand in ${Math.round(event.inMs / 1_000)} s`
    case 'move':
      return `${event.table}: ${event.actor} ${event.text} (${milliseconds(event.latencyMs)})`
    case 'hand':
      return `${event.table}: hand ${event.hand}: ${event.result}`
  }
}

function clip(line: string, width: number): string {
  return line.length > width ? `${line.slice(0, Math.max(0, width - 1))}…` : line
}

/** Of the person's own clock and zone, as 14:03:20. */
function clockTime(atMs: number): string {
  return new Date(atMs).toTimeString().slice(0, 8)
}
