import { ApiProblem } from './problems.ts'

export const serverStatuses = ['pending', 'active', 'lapsed', 'exiting', 'withdrawn', 'slashed', 'all'] as const

export type StatusFilter = (typeof serverStatuses)[number]

export const pageLimits = { default: 50, max: 100 } as const

/** Names on chain have at most 64 bytes, so nothing longer can match. */
export const maxQueryLength = 64

/** A registry id from a path: decimal, 1 to 2³²−1, without leading zeros. */
export function parseId(text: string): number {
  const id = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(id <= 0xffff_ffff)) throw new ApiProblem('malformed_request', 'An id is a decimal number from 1 to 4294967295')
  return id
}

export function parseLimit(text: string | undefined): number {
  if (text === undefined) return pageLimits.default
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > pageLimits.max) throw new ApiProblem('malformed_request', `limit is a number from 1 to ${pageLimits.max}`)
  return limit
}

export function parseStatus(text: string | undefined): StatusFilter {
  const status = serverStatuses.find((known) => known === (text ?? 'active'))
  if (status === undefined) throw new ApiProblem('malformed_request', `status is one of ${serverStatuses.join(', ')}`)
  return status
}

/** The text to look for in names; undefined when there is none. */
export function parseQuery(text: string | undefined): string | undefined {
  const query = text?.trim()
  if (query !== undefined && query.length > maxQueryLength) {
    throw new ApiProblem('malformed_request', `q has at most ${maxQueryLength} characters`)
  }
  if (query?.includes('\0')) throw new ApiProblem('malformed_request', 'q has a character that no name has')
  return query || undefined
}
