import { Latencies } from './latencies.ts'

/** A message of the table as it reached one client's application. */
export interface Delivery {
  client: string
  step: number
  /** Id of the message. */
  id: string
}

export interface TableSummary {
  table: string
  /** Channel id. */
  channel: string
  clients: number
  /** Messages that were given to publish. */
  published: number
  /** Deliveries that had to happen: each message to each client, its sender too. */
  expected: number
  delivered: number
  lost: number
  /** Deliveries of a message that the client's application had had before. */
  duplicates: number
  /** Whether every message of the play was published and reached every client. */
  complete: boolean
  /** What was lost: the clients and the steps that did not reach them. */
  missing: { client: string; steps: number[] }[]
}

interface OpenStep {
  sender: string
  publishedAtMs: number
  /** Known once a server has accepted the message. */
  id: string | undefined
  /** Client → id that it was delivered as. */
  deliveries: Map<string, string>
}

/**
 * The books of one table: which client has received which message. A message stays open until a server has named its id and
 * every client has received it under that id; so the books of an endless play stay small.
 */
export class TableLedger {
  readonly latencies = new Latencies()
  readonly #clients: readonly string[]
  readonly #open = new Map<number, OpenStep>()
  #published = 0
  #duplicates = 0
  #onSettled: (() => void)[] = []

  constructor(clients: readonly string[]) {
    this.#clients = clients
  }

  /** Just before a message is given to publish. Steps count from 0 without gaps. */
  publishing(step: number, sender: string, atMs: number): void {
    this.#open.set(step, { sender, publishedAtMs: atMs, id: undefined, deliveries: new Map() })
    this.#published++
  }

  /** A server has accepted the message as `id`. */
  accepted(step: number, id: string): void {
    const open = this.#open.get(step)
    if (!open) return
    open.id = id
    this.#close(step, open)
  }

  /**
   * A message has reached a client's application.
   * @returns milliseconds since it was given to publish; undefined when it had been received before or was never published
   */
  delivered({ client, step, id }: Delivery, atMs: number): number | undefined {
    const open = this.#open.get(step)
    if (!open) {
      if (step < this.#published) this.#duplicates++
      return undefined
    }
    if (open.deliveries.has(client)) {
      this.#duplicates++
      return undefined
    }
    open.deliveries.set(client, id)
    const latencyMs = atMs - open.publishedAtMs
    if (client !== open.sender) this.latencies.add(latencyMs)
    this.#close(step, open)
    return latencyMs
  }

  /** Resolves when every client has every message published so far, or rejects with the signal's reason. */
  async settled(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#open.size === 0) return
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const abort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    this.#onSettled.push(() => resolve(undefined))
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** @param planned how many messages the play has */
  summary(names: { table: string; channel: string }, planned: number): TableSummary {
    const missing = this.#clients.flatMap((client) => {
      const steps = [...this.#open].flatMap(([step, open]) => (this.#has(open, client) ? [] : [step]))
      return steps.length === 0 ? [] : [{ client, steps }]
    })
    const lost = missing.reduce((sum, { steps }) => sum + steps.length, 0)
    const expected = this.#published * this.#clients.length
    return {
      ...names,
      clients: this.#clients.length,
      published: this.#published,
      expected,
      delivered: expected - lost,
      lost,
      duplicates: this.#duplicates,
      complete: this.#published === planned && lost === 0,
      missing,
    }
  }

  /** Without a server's word for the id, what arrived counts as the message. */
  #has(open: OpenStep, client: string): boolean {
    const id = open.deliveries.get(client)
    return id !== undefined && (open.id === undefined || open.id === id)
  }

  #close(step: number, open: OpenStep): void {
    if (open.id === undefined || !this.#clients.every((client) => open.deliveries.get(client) === open.id)) return
    this.#open.delete(step)
    if (this.#open.size > 0) return
    for (const resolve of this.#onSettled.splice(0)) resolve()
  }
}
