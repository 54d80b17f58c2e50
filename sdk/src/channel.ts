import type { SignedGenesis } from '@dred/protocol'
import type { Context } from './context.ts'
import type { Server } from './discovery.ts'
import { abortError } from './errors.ts'
import { type HistoryOptions, type HistoryPage, readHistory } from './history.ts'
import { Causality, type SeenMessage } from './publish/causality.ts'
import { Outbox, type PublishOptions } from './publish/outbox.ts'
import type { Published } from './publish/published.ts'
import { type MessageHandler, type SubscribeOptions, Subscription } from './subscription/subscription.ts'

/**
 * A channel of the neighborhood. `T` is what the application puts into its messages; others can put in anything.
 */
export class Channel<T = unknown> {
  /** SHA-256 of the genesis, base64url. */
  readonly id: string
  readonly genesis: SignedGenesis
  /** Servers that had stored the channel when `create` returned it; none for a channel that was not created here. */
  readonly storedBy: readonly Server[]
  readonly #context: Context
  readonly #outbox: Outbox
  readonly #causality: Causality

  constructor(context: Context, channel: { id: string; genesis: SignedGenesis; storedBy?: readonly Server[] }) {
    this.id = channel.id
    this.genesis = channel.genesis
    this.storedBy = channel.storedBy ?? []
    this.#context = context
    this.#causality = new Causality(channel.genesis.lifetimeMs, () => context.clock.now())
    this.#outbox = new Outbox(context, channel, this.#causality)
  }

  get name(): string | undefined {
    return this.genesis.name
  }

  /**
   * Publishes a JSON value; resolves once a server has stored it durably, or as many as `ack` says. Publishes of one channel go out one
   * after another, in the order of the calls; the next does not wait for more than the first server.
   * @throws DredClientError see {@link Outbox.publish}
   */
  publish(data: T, options: PublishOptions = {}): Promise<Published> {
    return this.#outbox.publish(data, options)
  }

  /**
   * Follows the channel: iterate over what is returned, or give a handler (which is awaited, one message at a time).
   * @throws DredClientError `malformed_request` for contradicting options, `malformed_cursor`, `cursor_of_another_channel`, `closed`
   */
  subscribe(options?: SubscribeOptions, handler?: MessageHandler<T>): Subscription<T>
  subscribe(handler: MessageHandler<T>): Subscription<T>
  subscribe(first: SubscribeOptions | MessageHandler<T> = {}, second?: MessageHandler<T>): Subscription<T> {
    const { lifetime } = this.#context
    if (lifetime.aborted) throw abortError(lifetime)
    const [options, handler] = typeof first === 'function' ? [{}, first] : [first, second]
    const delivering = (message: SeenMessage): void => this.#causality.see(message)
    return new Subscription<T>(this.#context, { channel: { id: this.id, genesis: this.genesis }, options, handler, delivering })
  }

  /** A page of messages, oldest first: the newest, or those around a cursor. @throws DredClientError see {@link readHistory} */
  async history(options: HistoryOptions = {}): Promise<HistoryPage<T>> {
    return readHistory<T>(this.#context, { id: this.id, genesis: this.genesis }, options)
  }
}
