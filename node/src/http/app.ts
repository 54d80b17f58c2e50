import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { constants, Http2ServerRequest } from 'node:http2'
import cors from '@fastify/cors'
import rateLimit from '@fastify/rate-limit'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { DredError, limits, versionHeader } from '@dred/protocol'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { RegistryView } from '../chain/port.ts'
import type { ServerKey } from '../chain/server-key.ts'
import type { Channels } from '../channels.ts'
import type { Identity } from '../identity/index.ts'
import type { Membership } from '../membership.ts'
import type { Replicator } from '../peers/port.ts'
import type { Receipts } from '../receipts.ts'
import type { Hub } from '../realtime/hub.ts'
import { identifyCallers } from './caller.ts'
import { registerChannelRoutes } from './channel-routes.ts'
import { rawProblem, sendProblem } from './errors.ts'
import { registerIdentityRoutes } from './identity-routes.ts'
import { createListener, type Listener, type TlsFiles } from './listener.ts'
import type { HttpLimits } from './limits.ts'
import { registerMetaRoutes } from './meta-routes.ts'
import { notFound } from './not-found.ts'
import { registerPeerRoute } from './peer-route.ts'
import { registerProofRoute } from './proof-route.ts'
import { registerStreamRoute } from './stream-route.ts'
import { schemaController } from './validation.ts'
import { speakVersion } from './version.ts'

/** What the routes work with. */
export interface AppContext {
  channels: Channels
  receipts: Receipts
  hub: Hub
  registry: RegistryView
  replicator: Replicator
  /** This server's registry id. */
  self: { id: number }
  /** Its own key. */
  key: ServerKey
  membership: Membership
  identity: Identity
  software: { name: string; version: string }
  incarnation: () => number
  /** Unix milliseconds. */
  now: () => number
  /** True once the server is on its way down: nothing new is taken. */
  isClosing: () => boolean
}

export interface AppOptions {
  tls?: TlsFiles
  /** Requests that one address (IPv6: one /64) may make in a window. */
  rateLimit: { max: number; windowMs: number } | false
  /** Addresses whose `X-Forwarded-For` is believed. */
  trustProxy: string[]
  limits: HttpLimits
  logger: FastifyBaseLogger
}

/** The instance with types from the routes' schemas. */
export type Routes = ReturnType<typeof typed>

function typed(app: FastifyInstance) {
  return app.withTypeProvider<TypeBoxTypeProvider>()
}

const EXPOSED_HEADERS = [
  versionHeader,
  'www-authenticate',
  'x-request-id',
  'retry-after',
  'allow',
  'ratelimit-limit',
  'ratelimit-remaining',
  'ratelimit-reset',
]

/** The HTTP face of a server, ready to listen. */
export async function createApp(context: AppContext, options: AppOptions): Promise<{ app: FastifyInstance; listener: Listener }> {
  let listener: Listener | undefined
  const app = Fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIds(),
    bodyLimit: limits.bodyBytes,
    trustProxy: options.trustProxy.length > 0 ? options.trustProxy : false,
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 256 },
    schemaController,
    frameworkErrors: (error, request, reply) => sendProblem(request, reply, error),
    clientErrorHandler: (_error, socket) => {
      if (socket.writable) socket.end(rawProblem('malformed_request'))
      else socket.destroy()
    },
    serverFactory: (handler) => {
      listener = createListener(handler, { tls: options.tls, idleTimeoutMs: options.limits.idleTimeoutMs })
      return listener.server
    },
  })
  if (!listener) throw new Error('Fastify did not ask for its server')
  app.setErrorHandler((error, request, reply) => sendProblem(request, reply, error))
  takeJsonOnly(app)
  limitBodyTime(app, options.limits.bodyTimeoutMs)
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done(context.isClosing() ? new DredError('shutting_down') : undefined)
  })
  speakVersion(app)
  await app.register(cors, {
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    exposedHeaders: EXPOSED_HEADERS,
    strictPreflight: false,
    maxAge: 86_400,
  })
  if (options.rateLimit) await limitRate(app, options.rateLimit)
  identifyCallers(app, context.identity.sessions)
  const routes = typed(app)
  registerChannelRoutes(routes, context, options.limits)
  registerStreamRoute(routes, context)
  registerIdentityRoutes(routes, context)
  registerMetaRoutes(routes, context)
  registerProofRoute(routes, context, options.limits)
  const limiters = options.rateLimit ? [app.rateLimit()] : []
  registerPeerRoute(app, context, limiters)
  app.setNotFoundHandler({ preHandler: limiters }, notFound)
  return { app, listener }
}

/** Ids that tell requests apart across restarts, without asking the system for random bytes each time. */
function requestIds(): () => string {
  const boot = randomBytes(6).toString('base64url')
  let count = 0
  return () => `${boot}-${(++count).toString(36)}`
}

/**
 * One body type, parsed by `JSON.parse` and judged by the core as it came. Of a name that is there twice the last one counts:
 * it is the one that the signature, over the canonical form, has to match. `__proto__` is a name like any other.
 */
function takeJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, JSON.parse(String(body)))
    } catch (cause) {
      done(new DredError('malformed_json', { cause }))
    }
  })
}

/** Cuts off who sends a body bit by bit or not at all: it would hold a request and up to a body's size for as long as it likes. */
function limitBodyTime(app: FastifyInstance, timeoutMs: number): void {
  app.addHook('preParsing', async (request, _reply, payload) => {
    if (request.method === 'POST' || request.method === 'PUT') {
      const timer = setTimeout(() => hangUp(request.raw), timeoutMs)
      const stop = (): void => clearTimeout(timer)
      payload.once('end', stop).once('close', stop)
    }
    return payload
  })
}

function hangUp(request: IncomingMessage | Http2ServerRequest): void {
  if (request instanceof Http2ServerRequest) request.stream.close(constants.NGHTTP2_CANCEL)
  else request.destroy()
}

async function limitRate(app: FastifyInstance, { max, windowMs }: { max: number; windowMs: number }): Promise<void> {
  await app.register(rateLimit, {
    max,
    timeWindow: windowMs,
    enableDraftSpec: true,
    errorResponseBuilder: (_request, { after }) => new DredError('rate_limited', { detail: `Try again in ${after}` }),
  })
}
