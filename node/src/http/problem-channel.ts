import { channel } from 'node:diagnostics_channel'
import type { ErrorCode } from '@dred/protocol'

/** What is told of every problem that a request is answered with. */
export interface ToldProblem {
  method: string
  /** Template of the route; undefined where there is none. */
  route: string | undefined
  code: ErrorCode
}

/** For whoever wants to know, in this process. Tests do: see `testing/declared-errors.ts`. */
export const problemChannel = channel('dred:problem')
