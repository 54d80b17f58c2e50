import { setTimeout as sleep } from 'node:timers/promises'
import { TableClient } from './client.ts'
import { TableLedger } from './ledger.ts'
import { DEALER, type PlayMessage, type RosterEntry, TABLE_PREFIX } from './messages.ts'
import type { HandPace } from './pacing.ts'
import type { Table } from './phh.ts'
import type { ExampleContext, TableBooks } from './play.ts'
import { type Cue, playersOf, scriptOf, shortName } from './script.ts'

/** Longer than a client tries to publish: after that nobody will make the move any more. */
const STALL_MS = 90_000
/** How long, after the last hand, a message may take to reach the last client. */
const SETTLE_MS = 30_000

/** Why a table's play ended before its last hand. */
class StalledError extends Error {
  override readonly name = 'StalledError'
}

/** Nobody moves at once: the clock of one round of hands. */
export interface Round {
  paces: readonly HandPace[]
  /** `performance.now()` at which the round began. */
  startedAtMs: number
}

/** One poker table: a channel, its dealer and its players, and the books of what they received. */
export class PokerTable {
  readonly #table: Table
  readonly #context: ExampleContext
  readonly #dealer: TableClient
  readonly #players: readonly TableClient[]
  readonly #roster: RosterEntry[]
  readonly #ledger: TableLedger
  /** Cues by step, until their message has been reported. */
  readonly #cues = new Map<number, Cue & { observer: string }>()
  #channel = ''
  #planned = 0
  #lastProgressMs = 0

  /** @param clients the dealer and the players in the order of the roster */
  private constructor(
    table: Table,
    clients: { dealer: TableClient; players: readonly TableClient[]; roster: RosterEntry[] },
    context: ExampleContext,
  ) {
    this.#table = table
    this.#context = context
    this.#dealer = clients.dealer
    this.#players = clients.players
    this.#roster = clients.roster
    this.#ledger = new TableLedger(this.#clients.map(({ name }) => name))
  }

  /**
   * Opens a table: its dealer creates the channel, and everybody joins it.
   * @throws DredClientError when the channel cannot be created or joined
   */
  static async open(table: Table, context: ExampleContext): Promise<PokerTable> {
    const dealer = new TableClient(DEALER, context)
    const seats = playersOf(table)
    const players = seats.map(({ player }) => new TableClient(player, context))
    try {
      const keys = await Promise.all(players.map((player) => player.key()))
      const roster = seats.map((seat, index) => ({ ...seat, key: keys[index] ?? '' }))
      const opened = new PokerTable(table, { dealer, players, roster }, context)
      await opened.#join()
      return opened
    } catch (error) {
      for (const client of [dealer, ...players]) client.close()
      throw error
    }
  }

  get #clients(): TableClient[] {
    return [this.#dealer, ...this.#players]
  }

  async #join(): Promise<void> {
    const { signal } = this.#context
    const channel = await this.#dealer.create(`${TABLE_PREFIX}${this.#table.name}`, signal)
    this.#channel = channel
    const senders = new Map(this.#roster.map(({ player, key }) => [player, key])).set(DEALER, await this.#dealer.key())
    await Promise.all(
      this.#clients.map((client) =>
        client.join(channel, { senders, signal, received: (message, id) => this.#received(client, message, id) }),
      ),
    )
    this.#context.report({ type: 'table', table: this.#table.name, channel, clients: this.#clients.length })
    const message: PlayMessage = { type: 'table', step: 0, actor: DEALER, table: this.#table.name, roster: this.#roster }
    this.#planned = 1
    await this.#publish(this.#dealer, message)
  }

  /** Plays all hands once. Returns when the last message has been published, or nothing has moved for too long. */
  async play(round: Round): Promise<void> {
    const cues = scriptOf(this.#table, this.#roster, { step: this.#planned, paces: round.paces })
    this.#planned += cues.length
    for (const [index, cue] of cues.entries())
      this.#cues.set(cue.message.step, { ...cue, observer: this.#observerOf(cue, cues[index + 1]) })
    const stall = new AbortController()
    const signal = AbortSignal.any([this.#context.signal, stall.signal])
    const watch = setInterval(() => {
      const next = Math.min(...[...this.#cues.values()].map(({ dueMs }) => dueMs))
      const since = Math.max(this.#lastProgressMs, round.startedAtMs + (Number.isFinite(next) ? next : 0))
      if (performance.now() - since > STALL_MS) stall.abort(new StalledError('Nothing has moved'))
    }, 1_000)
    try {
      await Promise.all(
        this.#clients.map((client) =>
          this.#playPart(client, {
            cues: cues.filter(({ message }) => message.actor === client.name),
            startedAtMs: round.startedAtMs,
            signal,
          }),
        ),
      )
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      clearInterval(watch)
    }
  }

  /** Waits, but not for ever, until every client has every message. */
  async settle(): Promise<void> {
    const { signal } = this.#context
    await this.#ledger.settled(AbortSignal.any([signal, AbortSignal.timeout(SETTLE_MS)])).catch(() => undefined)
  }

  books(): TableBooks {
    const names = { table: this.#table.name, channel: this.#channel }
    return { summary: this.#ledger.summary(names, this.#planned), latencies: this.#ledger.latencies }
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }

  /** One client's own moves: each when it is due and the move before it has come to this client through its subscription. */
  async #playPart(client: TableClient, part: { cues: readonly Cue[]; startedAtMs: number; signal: AbortSignal }): Promise<void> {
    for (const { message, dueMs } of part.cues) {
      await client.steps.received(message.step - 1, part.signal)
      const inMs = part.startedAtMs + dueMs - performance.now()
      if (inMs > 0) await sleep(inMs, undefined, { signal: part.signal })
      await this.#publish(client, message)
    }
  }

  async #publish(client: TableClient, message: PlayMessage): Promise<void> {
    this.#lastProgressMs = performance.now()
    this.#ledger.publishing(message.step, client.name, this.#lastProgressMs)
    try {
      this.#ledger.accepted(message.step, await client.publish(message, this.#context.signal))
    } catch {
      // No server has confirmed it. It may have got through all the same: what the others receive decides, in the ledger.
    }
  }

  #received(client: TableClient, message: PlayMessage, id: string): void {
    const now = performance.now()
    const latencyMs = this.#ledger.delivered({ client: client.name, step: message.step, id }, now)
    if (latencyMs === undefined) return
    this.#lastProgressMs = now
    const cue = this.#cues.get(message.step)
    if (!cue || cue.observer !== client.name) return
    this.#cues.delete(message.step)
    const event = { table: this.#table.name, hand: 'hand' in message ? message.hand : '' }
    this.#context.report({ type: 'move', ...event, actor: shortName(message.actor), text: cue.text, latencyMs })
    if (message.type === 'end') this.#context.report({ type: 'hand', ...event, result: message.result })
  }

  /** The client for which the latency of a message counts most: whose turn is next, or else anybody but its sender. */
  #observerOf(cue: Cue, next: Cue | undefined): string {
    const sender = cue.message.actor
    if (next && next.message.actor !== sender) return next.message.actor
    return this.#clients.find(({ name }) => name !== sender)?.name ?? sender
  }
}
