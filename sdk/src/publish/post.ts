import {
  type Ack,
  BatchResult,
  isErrorCode,
  PublishResult,
  type Receipt,
  routeUrl,
  type SignedGenesis,
  type SignedMessage,
} from '@dred/protocol'
import type { Context } from '../context.ts'
import type { Server } from '../discovery.ts'
import { DredClientError } from '../errors.ts'
import { STALE } from '../credentials.ts'

/** Where messages go. */
export interface Target {
  server: Server
  channel: { id: string; genesis: SignedGenesis }
  /** Servers that have to have stored a message before the answer, and how long that may be waited for. */
  goal?: { stored: Ack; waitMs: number } | undefined
}

/** A signed message and its id. */
export interface Letter {
  id: string
  signed: SignedMessage
}

/**
 * Posts a message, for the first time or again.
 * @returns the server's receipt, checked: it is for this message, and signed with a key of that server
 * @throws DredClientError as `Http.json`; `invalid_response`
 */
export async function postMessage(context: Context, { id, signed, ...target }: Target & Letter, signal: AbortSignal): Promise<Receipt> {
  const { server, channel, goal } = target
  const url = routeUrl(server.endpoint, 'publish', { params: { id: channel.id }, query: { ...goal } })
  const result = await context.credentials.use({ server, channel, verb: 'write' }, signal, (headers) =>
    context.http.json<PublishResult>({ url, method: 'POST', headers, body: signed, signal }, PublishResult),
  )
  return checked(context, { ...target, id, result }, signal)
}

/**
 * Posts several messages of a channel, at most as many as a request carries.
 * @returns for each, in their order, its receipt, checked, or why there is none
 * @throws DredClientError as `Http.json`; `invalid_response`
 */
export async function postBatch(
  context: Context,
  { letters, ...target }: Target & { letters: readonly Letter[] },
  signal: AbortSignal,
): Promise<(Receipt | DredClientError)[]> {
  const { server, channel, goal } = target
  const url = routeUrl(server.endpoint, 'publishBatch', { params: { id: channel.id }, query: { ...goal } })
  const body = { messages: letters.map(({ signed }) => signed) }
  const { results } = await context.credentials.use({ server, channel, verb: 'write' }, signal, async (headers) => {
    const answer = await context.http.json<BatchResult>({ url, method: 'POST', headers, body, signal }, BatchResult)
    // All are sent with the same proof: what a server says of it for one, it says of the request.
    const errors = answer.results.flatMap((result) => ('problem' in result ? [problemError(server, result.problem)] : []))
    const stale = errors.find(({ code }) => STALE.has(code))
    if (stale) throw stale
    return answer
  })
  if (results.length !== letters.length) {
    throw new DredClientError('invalid_response', { detail: 'The answer is not one for each message', server: server.endpoint })
  }
  const judged = letters.map(async ({ id }, i) => {
    const result = results[i]
    if (result && 'receipt' in result) return checked(context, { ...target, id, result }, signal)
    throw problemError(server, result?.problem)
  })
  const outcomes = await Promise.allSettled(judged)
  return outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : errorOf(outcome.reason)))
}

async function checked(
  context: Context,
  { server, channel, id, result }: Target & { id: string; result: PublishResult },
  signal: AbortSignal,
): Promise<Receipt> {
  const { receipt } = result
  if (result.id !== id || receipt.id !== id || receipt.channel !== channel.id || receipt.signer !== server.id) {
    throw new DredClientError('invalid_response', { detail: 'The receipt is for another message', server: server.endpoint })
  }
  if (await context.keys.verify(receipt, server.id, signal)) return receipt
  throw new DredClientError('invalid_response', { detail: "The receipt is not signed with the server's key", server: server.endpoint })
}

type Problem = Extract<BatchResult['results'][number], { problem: unknown }>['problem']

function problemError(server: Server, problem: Problem | undefined): DredClientError {
  const { code, detail, requestId } = problem ?? {}
  const about = { server: server.endpoint, ...(detail === undefined ? {} : { detail }), ...(requestId === undefined ? {} : { requestId }) }
  if (isErrorCode(code)) return new DredClientError(code, about)
  return new DredClientError('invalid_response', { ...about, detail: 'The server answered without a Dred error' })
}

function errorOf(reason: unknown): DredClientError {
  if (reason instanceof DredClientError) return reason
  throw reason
}
