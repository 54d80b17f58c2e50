import type { Receipt, SignedGenesis } from '@dred/protocol'
import { isAboutTheServer, tryServers } from '../attempts.ts'
import type { Context } from '../context.ts'
import type { Server } from '../discovery.ts'
import { DredClientError, toClientError } from '../errors.ts'
import { putGenesis } from '../genesis.ts'
import { withSignals } from '../signals.ts'
import { type Letter, postBatch, postMessage } from './post.ts'
import type { Published } from './published.ts'
import type { Waiting } from './waiting.ts'

interface Offer extends Letter {
  waiting: Waiting
}

/** Offers signed messages of one channel to servers. */
export class Delivery {
  readonly #context: Context
  readonly #channel: { id: string; genesis: SignedGenesis }
  readonly #accepted: (waiting: Waiting, published: Published) => void

  /** @param accepted is told of each message that a server has taken, in their order */
  constructor(
    context: Context,
    channel: { id: string; genesis: SignedGenesis },
    accepted: (waiting: Waiting, published: Published) => void,
  ) {
    this.#context = context
    this.#channel = channel
    this.#accepted = accepted
  }

  /**
   * Offers messages together until a server has taken or refused each, or the first of their deadlines comes.
   * @param together signed, and wanted by as many servers; at most as many as a request carries
   * @returns those that have to be offered again
   */
  async deliver(together: readonly Waiting[]): Promise<Waiting[]> {
    const { clock } = this.#context
    const open = (): Waiting[] => together.filter(({ over }) => !over)
    if (open().length === 0) return []
    const endsAt = Math.min(...together.map((waiting) => waiting.endsAt))
    const stop = new AbortController()
    let isLate = false
    const deadline = clock.setTimeout(
      () => {
        isLate = true
        stop.abort(new DredClientError('timeout'))
      },
      Math.max(0, endsAt - clock.now()),
    )
    for (const waiting of together) {
      waiting.offered = true
      waiting.onOver(() => {
        if (open().length === 0) stop.abort(new DredClientError('aborted'))
      })
    }
    try {
      await tryServers(this.#context, { signal: stop.signal }, (server, signal) => this.#attempt(server, open(), signal))
    } catch (error) {
      const failed = open().filter((waiting) => !isLate || waiting.endsAt <= Math.max(endsAt, clock.now()))
      for (const waiting of failed) waiting.reject(error)
    } finally {
      clock.clearTimeout(deadline)
      for (const waiting of together) {
        waiting.offered = false
        waiting.onOver(undefined)
      }
    }
    return open()
  }

  async #attempt(server: Server, together: readonly Waiting[], outer: AbortSignal): Promise<void> {
    const { clock, timing } = this.#context
    await withSignals({ signals: [outer], timeout: { clock, ms: timing.publishAttemptMs } }, async (signal) => {
      try {
        await this.#offer(server, together, signal)
      } catch (error) {
        if (toClientError(error, 'network').code !== 'unknown_channel') throw error
        await putGenesis(this.#context, { server, ...this.#channel }, signal)
        await this.#offer(server, together, signal)
      }
    })
  }

  /** @throws DredClientError the request's failure, or why one of the messages has to be offered again */
  async #offer(server: Server, together: readonly Waiting[], signal: AbortSignal): Promise<void> {
    const { clock, pool } = this.#context
    const offers = together.flatMap((waiting): Offer[] => (waiting.signed && !waiting.over ? [{ waiting, ...waiting.signed }] : []))
    const startedAt = clock.now()
    const outcomes = await this.#post(server, offers, signal)
    pool.measured(server, clock.now() - startedAt)
    let again: DredClientError | undefined
    for (const [i, { waiting, id, signed }] of offers.entries()) {
      const outcome = outcomes[i]
      if (outcome === undefined) continue
      if (!(outcome instanceof DredClientError)) this.#accepted(waiting, { id, receipt: outcome, prev: signed.prev ?? [], server })
      else if (outcome.retryable || isAboutTheServer(outcome)) again ??= outcome
      else waiting.reject(outcome)
    }
    if (again) throw again
  }

  async #post(server: Server, offers: readonly Offer[], signal: AbortSignal): Promise<(Receipt | DredClientError)[]> {
    const [first, ...more] = offers
    if (!first) return []
    const { ack } = first.waiting
    // A number of servers that the neighborhood does not have is refused before anything is stored.
    const goal = ack === 'accepted' ? undefined : { stored: ack, waitMs: 0 }
    const target = { server, channel: this.#channel, goal }
    if (more.length > 0) return postBatch(this.#context, { ...target, letters: offers }, signal)
    return [await postMessage(this.#context, { ...target, ...first }, signal)]
  }
}
