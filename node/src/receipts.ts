import { type Ack, type Coordinate, DredError, limits, type PublishQuery, type Receipt, serversFor } from '@dred/protocol'
import type { Replicator } from './peers/port.ts'
import type { ReceiptSigner } from './receipt-signer.ts'

/** A message that this server has stored, and where and when (Unix ms) it entered the neighborhood. */
export interface Accepted extends Coordinate {
  channel: string
  id: string
  acceptedAt: number
}

/** What a publisher waits for, and for how long. */
export interface Goal {
  ack: Ack
  waitMs: number
}

export interface ReceiptsOptions {
  signer: ReceiptSigner
  replicator: Pick<Replicator, 'confirmed' | 'onConfirmed'>
  /** This server's id and its incarnation now. */
  self: () => Pick<Coordinate, 'server' | 'incarnation'>
  /** Publishers that wait at once; further ones are answered without waiting. */
  maxWaiting?: number
}

const MAX_WAITING = 10_000

/** Tells publishers on how many servers their messages are stored, now or when it is as many as they asked for. */
export class Receipts {
  readonly #options: ReceiptsOptions
  /** Of each publisher that waits: ends the waiting when it has come to its end, or whenever told to. */
  readonly #waiting = new Set<(force: boolean) => void>()
  readonly #stopListening: () => void
  #stopped = false

  constructor(options: ReceiptsOptions) {
    this.#options = options
    this.#stopListening = options.replicator.onConfirmed(() => this.#look(false))
  }

  /**
   * What the query of a publish asks for; undefined when it asks for nothing.
   * @throws DredError `malformed_request` for more servers than there are: nothing has been stored then
   */
  goal({ stored, waitMs }: PublishQuery): Goal | undefined {
    if (stored === undefined) {
      if (waitMs !== undefined) throw new DredError('malformed_request', { detail: 'waitMs needs stored: how many servers to wait for' })
      return undefined
    }
    const ack = stored === 'quorum' || stored === 'all' ? stored : Number(stored)
    const { servers } = this.#confirmed()
    if (serversFor(ack, servers) > servers) {
      const detail = servers === 1 ? 'this server is the only one of its neighborhood' : `the neighborhood has ${servers} servers`
      throw new DredError('malformed_request', { detail: `stored may be at most ${servers}: ${detail}` })
    }
    return { ack, waitMs: waitMs ?? limits.storedWaitMs }
  }

  /** The receipt of a message, once the goal is reached, cannot be reached or its time is over. */
  async issue(message: Accepted, goal?: Goal): Promise<Receipt> {
    if (goal) await this.#reach(message, goal)
    const { channel, id, server, incarnation, n, acceptedAt } = message
    const counts = { stored: this.#storedOn(message), servers: this.#confirmed().servers }
    return this.#options.signer.receipt({ signer: this.#options.self().server, channel, id, server, incarnation, n, acceptedAt, ...counts })
  }

  /** Answers everybody who waits. */
  stop(): void {
    this.#stopped = true
    this.#stopListening()
    this.#look(true)
  }

  #reach(message: Accepted, { ack, waitMs }: Goal): Promise<void> {
    const isOver = (): boolean => this.#stopped || !this.#isFollowed(message) || this.#isReached(message, ack)
    const { maxWaiting = MAX_WAITING } = this.#options
    if (isOver() || this.#waiting.size >= maxWaiting) return Promise.resolve()
    return new Promise((resolve) => {
      const look = (force: boolean): void => {
        if (!force && !isOver()) return
        clearTimeout(timer)
        this.#waiting.delete(look)
        resolve()
      }
      const timer = setTimeout(() => look(true), waitMs)
      this.#waiting.add(look)
    })
  }

  #look(force: boolean): void {
    for (const look of this.#waiting) look(force)
  }

  /** Asked for everybody who waits, at each word of another server. */
  #isReached({ n }: Accepted, ack: Ack): boolean {
    const { upTo, servers } = this.#confirmed()
    const needed = serversFor(ack, servers)
    return needed === 1 || (upTo[needed - 1] ?? 0) >= n
  }

  /** The message is here, whatever else is known of it. */
  #storedOn(message: Accepted): number {
    if (!this.#isFollowed(message)) return 1
    return Math.max(1, this.#confirmed().upTo.filter((n) => n >= message.n).length)
  }

  /** Others tell each server how far they have what entered there, in its present incarnation. */
  #isFollowed({ server, incarnation }: Coordinate): boolean {
    const self = this.#options.self()
    return server === self.server && incarnation === self.incarnation
  }

  #confirmed() {
    return this.#options.replicator.confirmed(this.#options.self().incarnation)
  }
}
