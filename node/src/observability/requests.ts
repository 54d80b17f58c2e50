import type { FastifyInstance, FastifyRequest } from 'fastify'
import { paths } from '@dred/protocol'
import { toDredError } from '../http/errors.ts'
import { RateLimited } from '../limits/rate-limited.ts'
import type { Log } from '../log.ts'
import { PEER_PATH } from '../peers/dial.ts'
import type { Metrics } from './metrics.ts'
import type { RequestSpan, Tracing } from './tracing.ts'

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])
/** What lasts for as long as its client wants. */
const LASTING = new Set<string>([paths.streamChannel, paths.streamChannels, PEER_PATH])
const CLIENT_LEFT = 499

/** Counts requests and logs them at level debug: never what they carry, nor parts of addresses that clients choose. */
export function observeRequests(app: FastifyInstance, { metrics, tracing }: { metrics: Metrics; tracing: Tracing | undefined }): void {
  app.addHook('onRequest', (request, { raw }, done) => {
    const startedAt = performance.now()
    const method = methodOf(request)
    const route = request.routeOptions.url ?? 'none'
    // Also when the client leaves before the answer, as it does from a stream.
    raw.once('close', () => {
      const ms = performance.now() - startedAt
      const status = raw.headersSent ? raw.statusCode : CLIENT_LEFT
      metrics.requests.inc({ method, route, status })
      if (!lasts(route, request)) metrics.requestSeconds.observe({ method, route }, ms / 1_000)
      request.log.debug({ requestId: request.id, method, route, status, ms: Math.round(ms * 10) / 10 }, 'request')
    })
    done()
  })
  if (tracing) traceRequests(app, tracing)
}

function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  const spans = new WeakMap<FastifyRequest, RequestSpan>()
  app.addHook('onRequest', (request, { raw }, done) => {
    const { headers, id, routeOptions } = request
    const method = methodOf(request)
    const route = routeOptions.url ?? 'none'
    const attributes = { 'http.request.method': method, 'http.route': route, 'dred.request_id': id }
    const given = headers['traceparent']
    const span = tracing.request(`${method} ${route}`, attributes, typeof given === 'string' ? given : undefined)
    spans.set(request, span)
    raw.once('close', () => span.end(raw.headersSent ? raw.statusCode : CLIENT_LEFT))
    done()
  })
  // Not earlier: reading the body would lose what is going on.
  app.addHook('preHandler', (request, _reply, done) => {
    const span = spans.get(request)
    if (span) span.within(done)
    else done()
  })
}

/** Counts what a request, or one message of a batch, was refused for. */
export function countProblem({ problems, limited }: Pick<Metrics, 'problems' | 'limited'>, error: unknown): void {
  const { code } = toDredError(error)
  problems.inc({ code })
  if (code === 'rate_limited') limited.inc({ limit: error instanceof RateLimited ? error.limit : 'other' })
}

/** Counts and logs what nobody foresaw on a stream, where no answer can tell of it any more. */
export function reportFaults(metrics: Pick<Metrics, 'problems' | 'limited'>, log: Log): (error: unknown, channel: string) => void {
  return (error, channel) => {
    countProblem(metrics, error)
    log.error({ err: error, channel }, 'a stream failed')
  }
}

/** Over HTTP/2 a client may write any word. */
function methodOf({ method }: FastifyRequest): string {
  return METHODS.has(method) ? method : 'other'
}

function lasts(route: string, { query }: FastifyRequest): boolean {
  return LASTING.has(route) || (typeof query === 'object' && query !== null && 'waitMs' in query)
}
