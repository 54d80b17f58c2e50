import { limits, MessagePage, routeUrl, type SignedGenesis } from '@dred/protocol'
import { tryServers } from './attempts.ts'
import type { Context } from './context.ts'
import type { Server } from './discovery.ts'
import { DredClientError, toClientError } from './errors.ts'
import { type Message, readMessage } from './message.ts'
import { putGenesis } from './genesis.ts'

/** With `before` or nothing: the newest messages up to that cursor. With `after`: the ones that follow it. Not both. */
export interface HistoryOptions {
  before?: string
  after?: string
  /** Messages on the page, 1 to 500; the server decides when it is not given. */
  limit?: number
  signal?: AbortSignal
}

/** Messages of a channel as one server has them, oldest first. */
export interface HistoryPage<T> {
  items: Message<T>[]
  /** Give it as `before` or `after`, whichever this page was asked with; null at the end. */
  next: string | null
  /** The next page in the same direction; undefined at the end. */
  nextPage(): Promise<HistoryPage<T> | undefined>
}

/**
 * Reads one page. Invalid messages are left out and reported.
 * @throws DredClientError `cursor_expired` with `oldest` when what follows `after` is partly gone; as `tryServers`
 */
export async function readHistory<T>(
  context: Context,
  channel: { id: string; genesis: SignedGenesis },
  options: HistoryOptions,
): Promise<HistoryPage<T>> {
  const { before, after, limit, signal } = options
  if (before !== undefined && after !== undefined) throw new DredClientError('malformed_request', { detail: 'Give `before` or `after`' })
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1 && limit <= limits.pageItems)) {
    throw new DredClientError('malformed_request', { detail: `\`limit\` is a whole number from 1 to ${limits.pageItems}` })
  }
  const attemptOptions = { signal, deadlineMs: context.timing.requestDeadlineMs }
  const page = await tryServers(context, attemptOptions, async (server, attempt) => {
    const url = routeUrl(server.endpoint, 'channelMessages', { params: { id: channel.id }, query: { before, after, limit } })
    const read = (): Promise<MessagePage> =>
      context.credentials.use({ server, channel, verb: 'read' }, attempt, (headers) =>
        context.http.json<MessagePage>({ url, headers, signal: attempt }, MessagePage),
      )
    const { items, next } = await read().catch(async (error: unknown) => {
      if (toClientError(error, 'network').code !== 'unknown_channel') throw error
      await putGenesis(context, { server, ...channel }, attempt)
      return read()
    })
    return { items: await verified(context, { channel: channel.id, server, items }), next }
  })
  const { next } = page
  return {
    items: page.items as Message<T>[],
    next,
    nextPage: () =>
      next === null
        ? Promise.resolve(undefined)
        : readHistory<T>(context, channel, { ...options, [after === undefined ? 'before' : 'after']: next }),
  }
}

async function verified(context: Context, page: { channel: string; server: Server; items: unknown[] }): Promise<Message[]> {
  const messages = await Promise.all(
    page.items.map(async (item) => {
      try {
        return await readMessage(page.channel, item, page.server)
      } catch (cause) {
        const error = toClientError(cause, 'invalid_message')
        if (error.code !== 'invalid_message') throw error
        context.pool.distrust(page.server)
        context.report(error)
        return undefined
      }
    }),
  )
  return messages.filter((message) => message !== undefined)
}
