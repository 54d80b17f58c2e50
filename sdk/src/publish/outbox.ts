import type { Causality } from './causality.ts'
import {
  type Ack,
  canonicalJson,
  encodeBase64url,
  type JsonValue,
  limits,
  type Receipt,
  type SignedGenesis,
  signMessage,
} from '@dred/protocol'
import { tryServers } from '../attempts.ts'
import type { Context } from '../context.ts'
import type { Server } from '../discovery.ts'
import { abortError, DredClientError, toClientError } from '../errors.ts'
import { putGenesis } from '../genesis.ts'
import { orAbort, withSignals } from '../signals.ts'
import { awaitStored } from './await-stored.ts'
import { postMessage } from './post.ts'

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

/** Proof that a message is stored. */
export interface Published {
  /** The message's id: the same whichever server took it, and however often it was sent. */
  id: string
  /** Where it is, and on how many servers, signed by the server that took it: can be shown to others, see `verifyReceipt`. */
  receipt: Receipt
  /** Ids of the messages that the message names as seen before. */
  prev: readonly string[]
  /** The server that took it. */
  server: Server
}

type Signed = Awaited<ReturnType<typeof signMessage>>

const NONCE_BYTES = 16

/**
 * The messages of one channel on their way to a server. Each is signed once and then offered to one server after another until one
 * has it, offline or not, until its deadline. One at a time, so that they arrive in the order of the calls.
 */
export class Outbox {
  readonly #context: Context
  readonly #channel: { id: string; genesis: SignedGenesis }
  readonly #causality: Causality
  #previous: Promise<unknown> = Promise.resolve()

  constructor(context: Context, channel: { id: string; genesis: SignedGenesis }, causality: Causality) {
    this.#context = context
    this.#channel = channel
    this.#causality = causality
  }

  /**
   * @throws DredClientError `malformed_message` for what is no JSON, `body_too_large`, `timeout`, `offline`, `no_servers`,
   *   `discovery_unreachable`, `aborted`, `closed`, or a server's refusal: after an error other than a refusal the message may still have
   *   been stored. `too_few_servers` when it has been, but not on as many as `ack` says: the error's `published` says on how many.
   */
  async publish(data: unknown, options: PublishOptions): Promise<Published> {
    const { clock, outbox, timing } = this.#context
    const { ack = 'accepted', signal } = options
    const endsAt = clock.now() + (options.deadlineMs ?? timing.publishDeadlineMs)
    const accepted = this.#accept(data, options, this.#previous)
    // Without the results, each of which would hold on to those before it.
    this.#previous = Promise.allSettled([this.#previous, accepted]).then(() => undefined)
    const { published, signed } = await accepted
    outbox.pending++
    try {
      return await awaitStored(this.#context, { published, body: signed.signed, channel: this.#channel }, { ack, signal, endsAt })
    } finally {
      outbox.pending--
    }
  }

  async #accept(data: unknown, options: PublishOptions, turn: Promise<unknown>): Promise<{ published: Published; signed: Signed }> {
    const { clock, lifetime, timing } = this.#context
    if (lifetime.aborted) throw abortError(lifetime)
    const { ack = 'accepted' } = options
    if (typeof ack === 'number' && !(Number.isInteger(ack) && ack >= 1 && ack <= limits.servers)) {
      throw new DredClientError('malformed_request', {
        detail: `\`ack\` is accepted, quorum, all or a whole number up to ${limits.servers}`,
      })
    }
    const message = snapshot(data)
    const sentAt = clock.now()
    const deadlineMs = options.deadlineMs ?? timing.publishDeadlineMs
    this.#context.outbox.pending++
    try {
      const signals = [options.signal, lifetime]
      const signed = await withSignals({ signals, timeout: { clock, ms: deadlineMs } }, async (signal) => {
        await orAbort(turn, signal)
        return this.#sign(message, sentAt)
      })
      const left = Math.max(0, sentAt + deadlineMs - clock.now())
      const published = await tryServers(this.#context, { signal: options.signal, deadlineMs: left }, (server, signal) =>
        this.#attempt(server, { signed, ack }, signal),
      )
      this.#causality.see({ id: published.id, prev: published.prev, sentAt })
      return { published, signed }
    } finally {
      this.#context.outbox.pending--
    }
  }

  async #sign(message: JsonValue, sentAt: number): Promise<Signed> {
    const prev = this.#causality.heads()
    const nonce = encodeBase64url(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)))
    try {
      return await signMessage(await this.#context.signer(), this.#channel.id, {
        message,
        sentAt,
        nonce,
        ...(prev.length === 0 ? {} : { prev }),
      })
    } catch (error) {
      throw toClientError(error, 'malformed_message')
    }
  }

  async #attempt(server: Server, offer: Offer, outer: AbortSignal): Promise<Published> {
    const { clock, timing } = this.#context
    return withSignals({ signals: [outer], timeout: { clock, ms: timing.publishAttemptMs } }, async (signal) => {
      try {
        return await this.#post(server, offer, signal)
      } catch (error) {
        if (toClientError(error, 'network').code !== 'unknown_channel') throw error
        await putGenesis(this.#context, { server, ...this.#channel }, signal)
        return await this.#post(server, offer, signal)
      }
    })
  }

  async #post(server: Server, { signed: { id, signed }, ack }: Offer, signal: AbortSignal): Promise<Published> {
    const { clock, pool } = this.#context
    const startedAt = clock.now()
    // A number of servers that the neighborhood does not have is refused before anything is stored.
    const goal = ack === 'accepted' ? undefined : { stored: ack, waitMs: 0 }
    const receipt = await postMessage(this.#context, { server, channel: this.#channel, id, body: signed, goal }, signal)
    pool.measured(server, clock.now() - startedAt)
    return { id, receipt, prev: signed.prev ?? [], server }
  }
}

interface Offer {
  signed: Signed
  ack: Ack
}

/** The value as it is now, whatever the application does to it afterwards. */
function snapshot(data: unknown): JsonValue {
  try {
    return JSON.parse(canonicalJson(data as JsonValue)) as JsonValue
  } catch (cause) {
    throw toClientError(cause, 'malformed_message', { detail: 'The data is not JSON' })
  }
}
