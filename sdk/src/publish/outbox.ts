import { type Ack, encodeBase64url, limits, type SignedGenesis, signMessage } from '@dred/protocol'
import type { Context } from '../context.ts'
import { abortError, DredClientError, toClientError } from '../errors.ts'
import { orAbort, withSignals } from '../signals.ts'
import { awaitStored } from './await-stored.ts'
import type { Causality } from './causality.ts'
import { Delivery } from './delivery.ts'
import type { Published } from './published.ts'
import { type Signed, takeTogether, Waiting } from './waiting.ts'

export interface PublishOptions {
  signal?: AbortSignal
  /** Milliseconds until the publish fails, with `timeout` or `too_few_servers`; default one minute. */
  deadlineMs?: number
  /**
   * How many servers of the neighborhood have to store the message: `accepted` one (default), `quorum` more than half, `all`, or a number.
   * The word of the server that took it counts.
   */
  ack?: Ack
}

const NONCE_BYTES = 16

/**
 * The messages of one channel on their way to a server. Each is signed once and then offered to one server after another until one
 * has it, offline or not, until its deadline. They arrive in the order of the calls: what is published while others are on their way goes
 * after them, together.
 */
export class Outbox {
  readonly #context: Context
  readonly #channel: { id: string; genesis: SignedGenesis }
  readonly #causality: Causality
  readonly #delivery: Delivery
  readonly #queue: Waiting[] = []
  #sending = false

  constructor(context: Context, channel: { id: string; genesis: SignedGenesis }, causality: Causality) {
    this.#context = context
    this.#channel = channel
    this.#causality = causality
    this.#delivery = new Delivery(context, channel, (waiting, published) => {
      causality.see({ id: published.id, prev: published.prev, sentAt: waiting.sentAt })
      waiting.resolve(published)
    })
  }

  /**
   * @throws DredClientError `malformed_message` for what is no JSON, `body_too_large`, `timeout`, `offline`, `no_servers`,
   *   `discovery_unreachable`, `aborted`, `closed`, or a server's refusal: after an error other than a refusal the message may still have
   *   been stored. `too_few_servers` when it has been, but not on as many as `ack` says: the error's `published` says on how many.
   */
  async publish(data: unknown, options: PublishOptions): Promise<Published> {
    const { outbox } = this.#context
    outbox.pending++
    try {
      const waiting = this.#take(data, options)
      const published = await this.#accepted(waiting, options.signal)
      const { ack, endsAt, signed } = waiting
      if (!signed) throw new Error('It was published without a signature')
      const message = { published, body: signed.signed, channel: this.#channel }
      return await awaitStored(this.#context, message, { ack, signal: options.signal, endsAt })
    } finally {
      outbox.pending--
    }
  }

  #take(data: unknown, { ack = 'accepted', deadlineMs }: PublishOptions): Waiting {
    const { clock, lifetime, timing } = this.#context
    if (lifetime.aborted) throw abortError(lifetime)
    if (typeof ack === 'number' && !(Number.isInteger(ack) && ack >= 1 && ack <= limits.servers)) {
      throw new DredClientError('malformed_request', {
        detail: `\`ack\` is accepted, quorum, all or a whole number up to ${limits.servers}`,
      })
    }
    const sentAt = clock.now()
    const waiting = new Waiting(data, { ack, sentAt, endsAt: sentAt + (deadlineMs ?? timing.publishDeadlineMs) })
    this.#queue.push(waiting)
    if (!this.#sending) void this.#send()
    return waiting
  }

  /** Until a server has it, or its publisher does not want it any more. */
  async #accepted(waiting: Waiting, signal: AbortSignal | undefined): Promise<Published> {
    const { clock, lifetime } = this.#context
    const timer = clock.setTimeout(
      () => {
        if (!waiting.offered) waiting.reject(new DredClientError('timeout'))
      },
      Math.max(0, waiting.endsAt - clock.now()),
    )
    try {
      return await withSignals({ signals: [signal, lifetime] }, (either) => orAbort(waiting.accepted, either))
    } finally {
      clock.clearTimeout(timer)
      waiting.end()
    }
  }

  async #send(): Promise<void> {
    this.#sending = true
    // What is published in one go is sent in one.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const together = takeTogether(this.#queue)
      await this.#sign(together)
      this.#queue.unshift(...(await this.#delivery.deliver(together)))
    }
    this.#sending = false
  }

  /** Each follows the one before it, which comes to a server before it or together with it. */
  async #sign(together: readonly Waiting[]): Promise<void> {
    const followed = new Set<string>()
    let last: string[] = []
    for (const waiting of together) {
      if (waiting.over) continue
      const heads = this.#causality.heads().filter((id) => !followed.has(id))
      try {
        waiting.signed ??= await this.#signed(waiting, [...heads, ...last].slice(-limits.prevIds))
      } catch (error) {
        waiting.reject(toClientError(error, 'malformed_message'))
        continue
      }
      const { id, signed } = waiting.signed
      for (const earlier of signed.prev ?? []) followed.add(earlier)
      last = [id]
    }
  }

  async #signed({ message, sentAt }: Waiting, prev: string[]): Promise<Signed> {
    const nonce = encodeBase64url(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)))
    const fields = { message, sentAt, nonce, ...(prev.length === 0 ? {} : { prev }) }
    return signMessage(await this.#context.signer(), this.#channel.id, fields)
  }
}
