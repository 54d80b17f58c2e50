import {
  canonicalJson,
  encodeBase64url,
  type JsonValue,
  PublishResult,
  type Receipt,
  routeUrl,
  type SignedGenesis,
  signMessage,
} from '@dred/protocol'
import { tryServers } from '../attempts.ts'
import type { Context } from '../context.ts'
import type { Server } from '../discovery.ts'
import { abortError, DredClientError, toClientError } from '../errors.ts'
import { putGenesis } from '../genesis.ts'
import { orAbort, withSignals } from '../signals.ts'

export interface PublishOptions {
  signal?: AbortSignal
  /** Milliseconds until the publish fails with `timeout`; default one minute. */
  deadlineMs?: number
}

/** Proof that a message is stored. */
export interface Published {
  /** The message's id: the same whichever server took it, and however often it was sent. */
  id: string
  receipt: Receipt
  /** Ids of the messages that the message names as seen before. */
  prev: readonly string[]
  /** The server that took it. */
  server: Server
}

type SignedMessage = Awaited<ReturnType<typeof signMessage>>

const NONCE_BYTES = 16

/**
 * The messages of one channel on their way to a server. Each is signed once and then offered to one server after another until one
 * has it, offline or not, until its deadline. One at a time, so that they arrive in the order of the calls.
 */
export class Outbox {
  readonly #context: Context
  readonly #channel: { id: string; genesis: SignedGenesis }
  /** Ids of up to four messages that this client has seen and no seen message names. */
  readonly #heads: () => string[]
  #previous: Promise<unknown> = Promise.resolve()

  constructor(context: Context, channel: { id: string; genesis: SignedGenesis }, heads: () => string[]) {
    this.#context = context
    this.#channel = channel
    this.#heads = heads
  }

  /**
   * @throws DredClientError `malformed_message` for what is no JSON, `body_too_large`, `timeout`, `offline`, `no_servers`,
   *   `discovery_unreachable`, `aborted`, `closed`, or a server's refusal. After an error other than a refusal the message may
   *   still have been stored.
   */
  publish(data: unknown, options: PublishOptions): Promise<Published> {
    const published = this.#publish(data, options, this.#previous)
    // Without the results, each of which would hold on to those before it.
    this.#previous = Promise.allSettled([this.#previous, published]).then(() => undefined)
    return published
  }

  async #publish(data: unknown, options: PublishOptions, turn: Promise<unknown>): Promise<Published> {
    const { clock, lifetime, timing } = this.#context
    if (lifetime.aborted) throw abortError(lifetime)
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
      return await tryServers(this.#context, { signal: options.signal, deadlineMs: left }, (server, signal) =>
        this.#attempt(server, signed, signal),
      )
    } finally {
      this.#context.outbox.pending--
    }
  }

  async #sign(message: JsonValue, sentAt: number): Promise<SignedMessage> {
    const prev = this.#heads()
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

  async #attempt(server: Server, signed: SignedMessage, outer: AbortSignal): Promise<Published> {
    const { clock, timing } = this.#context
    return withSignals({ signals: [outer], timeout: { clock, ms: timing.publishAttemptMs } }, async (signal) => {
      try {
        return await this.#post(server, signed, signal)
      } catch (error) {
        if (toClientError(error, 'network').code !== 'unknown_channel') throw error
        await putGenesis(this.#context, { server, ...this.#channel }, signal)
        return await this.#post(server, signed, signal)
      }
    })
  }

  async #post(server: Server, { id, signed }: SignedMessage, signal: AbortSignal): Promise<Published> {
    const { clock, http, pool } = this.#context
    const url = routeUrl(server.endpoint, 'publish', { params: { id: this.#channel.id } })
    const startedAt = clock.now()
    const result = await http.json<PublishResult>({ url, method: 'POST', body: signed, signal }, PublishResult)
    if (result.id !== id)
      throw new DredClientError('invalid_response', { detail: 'The receipt is for another message', server: server.endpoint })
    pool.measured(server, clock.now() - startedAt)
    return { id, receipt: result.receipt, prev: signed.prev ?? [], server }
  }
}

/** The value as it is now, whatever the application does to it afterwards. */
function snapshot(data: unknown): JsonValue {
  try {
    return JSON.parse(canonicalJson(data as JsonValue)) as JsonValue
  } catch (cause) {
    throw toClientError(cause, 'malformed_message', { detail: 'The data is not JSON' })
  }
}
