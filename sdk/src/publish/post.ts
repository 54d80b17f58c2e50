import { type Ack, PublishResult, type Receipt, routeUrl, type SignedGenesis, type SignedMessage } from '@dred/protocol'
import type { Context } from '../context.ts'
import type { Server } from '../discovery.ts'
import { DredClientError } from '../errors.ts'

/** A signed message for one server. */
export interface Post {
  server: Server
  channel: { id: string; genesis: SignedGenesis }
  /** Of the message. */
  id: string
  body: SignedMessage
  /** Servers that have to have stored it before the answer, and how long that may be waited for. */
  goal?: { stored: Ack; waitMs: number } | undefined
}

/**
 * Posts a message, for the first time or again.
 * @returns the server's receipt, checked: it is for this message, and signed with a key of that server
 * @throws DredClientError as `Http.json`; `invalid_response`
 */
export async function postMessage(context: Context, { server, channel, id, body, goal }: Post, signal: AbortSignal): Promise<Receipt> {
  const url = routeUrl(server.endpoint, 'publish', { params: { id: channel.id }, query: { ...goal } })
  const result = await context.credentials.use({ server, channel, verb: 'write' }, signal, (headers) =>
    context.http.json<PublishResult>({ url, method: 'POST', headers, body, signal }, PublishResult),
  )
  const { receipt } = result
  if (result.id !== id || receipt.id !== id || receipt.channel !== channel.id || receipt.signer !== server.id) {
    throw new DredClientError('invalid_response', { detail: 'The receipt is for another message', server: server.endpoint })
  }
  if (await context.keys.verify(receipt, server.id, signal)) return receipt
  throw new DredClientError('invalid_response', { detail: "The receipt is not signed with the server's key", server: server.endpoint })
}
