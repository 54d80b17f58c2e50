import { channel } from 'node:diagnostics_channel'
import type { ErrorCode } from '@dred/protocol'

/** What is told of every problem that a client is answered with. */
export interface ToldProblem {
  method: string
  /**
   * Template of the route; undefined where there is none. Of a message of a batch, and of a channel on a stream, that of the route which
   * is for one alone.
   */
  route: string | undefined
  code: ErrorCode
}

/** For whoever wants to know, in this process. Tests do: see `testing/declared-errors.ts`. */
export const problemChannel = channel('dred:problem')

export function tellProblem(told: ToldProblem): void {
  if (problemChannel.hasSubscribers) problemChannel.publish(told)
}
