import { type Ack, canonicalJson, type JsonValue, limits, type signMessage, utf8 } from '@dred/protocol'
import { toClientError } from '../errors.ts'
import type { Published } from './published.ts'

export type Signed = Awaited<ReturnType<typeof signMessage>>

/** Of the JSON of a signed message, besides the message itself. */
const FRAME_BYTES = 1_024

/** A message that is to be published, until a server has taken it or its publisher has given up. */
export class Waiting {
  readonly message: JsonValue
  readonly ack: Ack
  /** Unix milliseconds. */
  readonly sentAt: number
  readonly endsAt: number
  /** Of the JSON of the signed message, at most. */
  readonly bytes: number
  readonly accepted: Promise<Published>
  /** As it is offered to every server. */
  signed: Signed | undefined
  /** Being offered, so that whoever offers it says why it failed. */
  offered = false
  /** Nobody waits for it any more. */
  over = false
  readonly #resolve: (published: Published) => void
  readonly #reject: (error: unknown) => void
  #onOver: (() => void) | undefined

  /** @throws DredClientError `malformed_message` for what is no JSON */
  constructor(data: unknown, { ack, sentAt, endsAt }: Pick<Waiting, 'ack' | 'sentAt' | 'endsAt'>) {
    const text = canonicalText(data)
    // The value as it is now, whatever the application does to it afterwards.
    this.message = JSON.parse(text) as JsonValue
    this.bytes = utf8(text).length + FRAME_BYTES
    this.ack = ack
    this.sentAt = sentAt
    this.endsAt = endsAt
    const { promise, resolve, reject } = Promise.withResolvers<Published>()
    // Whoever gave up does not listen.
    promise.catch(() => undefined)
    this.accepted = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  resolve(published: Published): void {
    this.#resolve(published)
    this.end()
  }

  reject(error: unknown): void {
    this.#reject(error)
    this.end()
  }

  end(): void {
    this.over = true
    this.#onOver?.()
  }

  onOver(listener: (() => void) | undefined): void {
    this.#onOver = listener
  }
}

/** Takes from the front of a queue what may go to a server together: as much as one request carries, wanted by as many servers. */
export function takeTogether(queue: Waiting[]): Waiting[] {
  const [first] = queue
  let bytes = 0
  const end = queue.findIndex((waiting, i) => {
    bytes += waiting.bytes
    return i === limits.batchMessages || (i > 0 && bytes > limits.batchBytes) || waiting.ack !== first?.ack
  })
  return queue.splice(0, end === -1 ? queue.length : end)
}

function canonicalText(data: unknown): string {
  try {
    return canonicalJson(data as JsonValue)
  } catch (cause) {
    throw toClientError(cause, 'malformed_message', { detail: 'The data is not JSON' })
  }
}
