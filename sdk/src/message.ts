import { type ControlName, type Coordinate, DeliveredMessage, describeMismatch, verifyMessage } from '@dred/protocol'
import type { Server } from './discovery.ts'
import { DredClientError, toClientError } from './errors.ts'

/** What is missing before a message, because it was older than what is kept when this client came back. */
export interface Gap {
  /** The cursor that was asked for. */
  after: string | undefined
  /** The oldest cursor from which it goes on; undefined: from the oldest message kept. */
  oldest: string | undefined
}

/** A message whose id and signature have been checked. `T` is what the application expects; nobody has checked that. */
export interface Message<T = unknown> {
  /** SHA-256 of the signed bytes, base64url. */
  id: string
  /** Channel id. */
  channel: string
  data: T
  /** The sender's Ed25519 device key, base64url. */
  sender: string
  /** Unix milliseconds, as the sender dated it. */
  sentAt: number
  /** Ids of up to four messages that the sender had seen. */
  prev: readonly string[]
  /** Subscribe `after` this to go on behind this message, at any server. */
  cursor: string
  /** `accepted`: at least the server that delivered it keeps it durably. */
  state: 'accepted'
  /** The server that delivered it. */
  server: Server
  /** Where it entered the neighborhood. */
  origin: Coordinate
  /** What it does to the membership of its channel, if it does; `data` then says what. Applications pass over it. */
  control?: ControlName
  /** Messages are missing before this one. */
  gap?: Gap
}

/**
 * Checks a delivered message: shape, channel, id and signature.
 * @throws DredClientError `invalid_message`, `unsupported_environment`
 */
export async function readMessage(channel: string, body: unknown, server: Server): Promise<Message> {
  try {
    const mismatch = describeMismatch(DeliveredMessage, body)
    if (mismatch) throw new DredClientError('invalid_message', { detail: mismatch, server: server.endpoint })
    const { id, sig, cursor, origin, channel: claimed, key, message, nonce, prev, sentAt, control } = body as DeliveredMessage
    const verified = await verifyMessage(channel, {
      message,
      key,
      sentAt,
      sig,
      ...(nonce === undefined ? {} : { nonce }),
      ...(prev === undefined ? {} : { prev }),
      ...(control === undefined ? {} : { control }),
    })
    if (claimed !== channel || verified.id !== id) {
      throw new DredClientError('invalid_message', { detail: `The message is not ${id} of this channel`, server: server.endpoint })
    }
    const what = control === undefined ? {} : { control }
    return { id, channel, data: message, sender: key, sentAt, prev: prev ?? [], cursor, state: 'accepted', server, origin, ...what }
  } catch (cause) {
    const error = toClientError(cause, 'invalid_message', { server: server.endpoint })
    throw error.code === 'invalid_message' || error.code === 'unsupported_environment'
      ? error
      : new DredClientError('invalid_message', { cause, server: server.endpoint, detail: error.message })
  }
}
