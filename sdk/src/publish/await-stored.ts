import { type Ack, limits, serversFor, type SignedMessage } from '@dred/protocol'
import { Bell } from '../clock.ts'
import type { Context } from '../context.ts'
import { DredClientError, toClientError } from '../errors.ts'
import { withSignals } from '../signals.ts'
import { postMessage, type Target } from './post.ts'
import type { Published } from './published.ts'

export interface StoredGoal {
  ack: Ack
  signal: AbortSignal | undefined
  /** Unix milliseconds. */
  endsAt: number
}

/**
 * Waits until as many servers have stored a message as its publisher wants, asking the server at which it entered: only that one is told by
 * the others.
 * @throws DredClientError `too_few_servers`, `aborted`, `closed`, each with `published`
 */
export async function awaitStored(
  context: Context,
  message: { published: Published; body: SignedMessage; channel: Target['channel'] },
  { ack, signal, endsAt }: StoredGoal,
): Promise<Published> {
  const { clock, lifetime, pool, timing } = context
  const { body, channel } = message
  const bell = new Bell(clock)
  // The rest of the time that an answer may take is for its way.
  const waitMs = Math.min(limits.storedWaitMs, timing.requestMs >> 1)
  let { published } = message
  let cause: unknown
  const isReached = (): boolean => published.receipt.stored >= serversFor(ack, published.receipt.servers)
  const ask = async (limited: AbortSignal): Promise<void> => {
    while (!isReached() && !limited.aborted) {
      const server = pool.get(published.receipt.server) ?? published.server
      // A server that answers early knows no more for now.
      const nextAt = clock.now() + Math.min(waitMs, timing.backoffBaseMs)
      try {
        const receipt = await postMessage(
          context,
          { server, channel, id: published.id, signed: body, goal: { stored: ack, waitMs } },
          limited,
        )
        published = { ...published, receipt, server }
      } catch (error) {
        cause = error
        if (!toClientError(error, 'network').retryable) return
      }
      if (!isReached()) await bell.wait(nextAt - clock.now(), limited)
    }
  }
  if (isReached()) return published
  await withSignals({ signals: [signal, lifetime], timeout: { clock, ms: endsAt - clock.now() } }, ask)
  if (isReached()) return published
  const stopped = [signal, lifetime].find((outer) => outer?.aborted)
  const { code } = toClientError(stopped?.reason, stopped ? 'aborted' : 'too_few_servers')
  throw new DredClientError(code, { published, cause, server: published.server.endpoint })
}
