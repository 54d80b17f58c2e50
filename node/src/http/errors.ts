import { STATUS_CODES } from 'node:http'
import { apiVersion, DredError, type ErrorCode, errors, versionHeader } from '@dred/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { tellProblem } from '../observability/problem-channel.ts'
import { type BucketState, RateLimited } from '../limits/rate-limited.ts'
import { codeOf } from '../thrown.ts'

const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'
const RETRY_AFTER_SECONDS = 1
const READ_OUT_BYTES = 4_194_304

/** What the framework's own errors are called in Dred's table. */
const frameworkErrors: Record<string, ErrorCode> = {
  FST_ERR_BAD_URL: 'malformed_request',
  FST_ERR_MAX_PARAM_LENGTH: 'malformed_request',
  FST_ERR_VALIDATION: 'malformed_request',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_request',
  // The client left before its request was complete.
  ECONNRESET: 'malformed_request',
}

/** The error of the table that stands for anything thrown; what nobody foresaw is `internal` and tells nothing to the outside. */
export function toDredError(error: unknown): DredError {
  if (error instanceof DredError) return error
  const code = frameworkErrors[codeOf(error) ?? '']
  if (code === undefined) return new DredError('internal', { cause: error })
  const detail = code === 'malformed_request' && error instanceof Error ? error.message : undefined
  return new DredError(code, { cause: error, ...(detail === undefined ? {} : { detail }) })
}

/** Answers with a problem document (RFC 9457). */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: unknown): void {
  const problem = toDredError(error)
  if (problem.code === 'internal') request.log.error({ err: error, requestId: request.id }, 'request failed')
  tellProblem({ method: request.method, route: request.routeOptions?.url, code: problem.code })
  reply.code(problem.status).header('content-type', PROBLEM_TYPE).header('x-request-id', request.id).header(versionHeader, apiVersion)
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  // No hook has seen a request whose address could not be read.
  if (!reply.hasHeader('access-control-allow-origin')) reply.header('access-control-allow-origin', '*')
  if ((problem.status === 503 || problem.status === 429) && !reply.hasHeader('retry-after'))
    reply.header('retry-after', RETRY_AFTER_SECONDS)
  if (problem instanceof RateLimited) tellLimit(reply, problem)
  // Fastify asks to close the connection after a body that it did not read to its end; HTTP/2 has no such header.
  if (request.raw.httpVersionMajor === 2 || isReadOut(request)) reply.removeHeader('connection')
  void reply.send(JSON.stringify(problem.toProblem(request.id)))
}

function tellLimit(reply: FastifyReply, { retryAfterSeconds, bucket }: RateLimited): void {
  reply.header('retry-after', retryAfterSeconds)
  if (bucket) tellState(reply, bucket)
}

/** The headers of draft-ietf-httpapi-ratelimit-headers, as most clients know them. */
export function tellState(reply: FastifyReply, { limit, remaining, resetSeconds }: BucketState): void {
  reply.header('ratelimit-limit', limit)
  reply.header('ratelimit-remaining', remaining)
  reply.header('ratelimit-reset', resetSeconds)
}

/**
 * Whether a body that is refused is short enough to be read to its end, and thrown away: many a client, proxies above all, looks for the
 * answer only then, and would find the connection broken.
 */
function isReadOut({ headers }: FastifyRequest): boolean {
  return Number(headers['content-length']) <= READ_OUT_BYTES
}

/** A whole HTTP/1.1 response for a connection without a request that could be answered; it ends with it. */
export function rawProblem(code: ErrorCode, detail: string): string {
  const { status, retryable } = errors[code]
  const body = JSON.stringify(new DredError(code, { detail }).toProblem())
  const retry = retryable ? `retry-after: ${RETRY_AFTER_SECONDS}\r\n` : ''
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${retry}content-type: ${PROBLEM_TYPE}\r\n${versionHeader}: ${apiVersion}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
}

/** Explanation of one code, for the address that problem documents name as `type`. */
export function explainProblem(code: ErrorCode): object {
  const { status, title, retryable } = errors[code]
  return {
    code,
    title,
    status,
    retryable,
    advice: retryable
      ? 'The same request may succeed later, or at another server of the neighborhood.'
      : 'The same request will fail again: change it first.',
  }
}
