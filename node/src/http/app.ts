import cors from '@fastify/cors'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { DredError, limits, versionHeader } from '@dred/protocol'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import type { RegistryView } from '../chain/port.ts'
import type { ServerKey } from '../chain/server-key.ts'
import type { Channels } from '../channels.ts'
import type { Identity } from '../identity/index.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { Membership } from '../membership.ts'
import type { Metrics } from '../observability/metrics.ts'
import { countProblem, observeRequests } from '../observability/requests.ts'
import type { Tracing } from '../observability/tracing.ts'
import type { Replicator } from '../peers/port.ts'
import type { Presence } from '../presence/presence.ts'
import type { Receipts } from '../receipts.ts'
import type { Realtime } from '../realtime/realtime.ts'
import type { Certificates } from '../tls/port.ts'
import { identifyCallers } from './caller.ts'
import { admitRequests } from './admission.ts'
import { limitBodyTime, takeJsonOnly } from './bodies.ts'
import { registerChannelRoutes } from './channel-routes.ts'
import { answerClientError } from './client-errors.ts'
import { sendProblem } from './errors.ts'
import { registerIdentityRoutes } from './identity-routes.ts'
import { requestIds } from './request-ids.ts'
import { createListener, type Listener } from './listener.ts'
import type { HttpLimits } from './limits.ts'
import { registerMemberRoutes } from './member-routes.ts'
import { knownMethods } from './methods.ts'
import { registerMetaRoutes } from './meta-routes.ts'
import { notFound } from './not-found.ts'
import { registerPeerRoute } from './peer-route.ts'
import { registerPresenceRoutes } from './presence-routes.ts'
import { registerProofRoute } from './proof-route.ts'
import { registerStreamRoutes } from './stream-route.ts'
import { schemaController } from './validation.ts'
import { speakVersion } from './version.ts'

/** What the routes work with. */
export interface AppContext {
  channels: Channels
  presence: Presence
  receipts: Receipts
  realtime: Realtime
  registry: RegistryView
  replicator: Replicator
  /** This server's registry id. */
  self: { id: number }
  /** Its own key. */
  key: ServerKey
  membership: Membership
  identity: Identity
  metrics: Metrics
  tracing: Tracing | undefined
  software: { name: string; version: string }
  incarnation: () => number
  /** Told of every proof of the key that is asked for, by its nonce. */
  onProof: (nonce: string) => void
  /** Unix milliseconds. */
  now: () => number
  /** True once the server is on its way down: nothing new is taken. */
  isClosing: () => boolean
}

export interface AppOptions {
  tls?: Certificates
  limiter: Limiter
  /** Addresses whose `X-Forwarded-For` is believed. */
  trustProxy: string[]
  limits: HttpLimits
  /** See NodeConfig. */
  altSvc?: string | undefined
  logger: FastifyBaseLogger
}

/** The instance with types from the routes' schemas. */
export type Routes = ReturnType<typeof typed>

function typed(app: FastifyInstance) {
  return app.withTypeProvider<TypeBoxTypeProvider>()
}

// One text: a list would be joined for each request.
const EXPOSED_HEADERS = [
  versionHeader,
  'www-authenticate',
  'x-request-id',
  'retry-after',
  'allow',
  'ratelimit-limit',
  'ratelimit-remaining',
  'ratelimit-reset',
].join(', ')

/** The HTTP face of a server, ready to listen. */
export async function createApp(context: AppContext, options: AppOptions): Promise<{ app: FastifyInstance; listener: Listener }> {
  let listener: Listener | undefined
  const fail = (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    countProblem(context.metrics, error)
    sendProblem(request, reply, error)
  }
  const app = Fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    // One of its own for each request would cost more than what is logged with it: the id is named there.
    childLoggerFactory: (logger) => logger,
    genReqId: requestIds(options.trustProxy),
    bodyLimit: limits.bodyBytes,
    trustProxy: options.trustProxy.length > 0 ? options.trustProxy : false,
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 256 },
    schemaController,
    frameworkErrors: fail,
    clientErrorHandler: answerClientError,
    serverFactory: (handler) => {
      const { tls, trustProxy, limiter } = options
      listener = createListener(knownMethods(handler), { tls, trustProxy, limits: options.limits, connections: limiter.limits.connections })
      return listener.server
    },
  })
  if (!listener) throw new Error('Fastify did not ask for its server')
  observeRequests(app, context)
  app.setErrorHandler(fail)
  takeJsonOnly(app)
  limitBodyTime(app, options.limits.bodyTimeoutMs)
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    if (options.altSvc !== undefined) reply.header('alt-svc', options.altSvc)
    done(context.isClosing() ? new DredError('shutting_down') : undefined)
  })
  speakVersion(app)
  const pages = admitRequests(app, options.limiter, options.limits)
  await app.register(cors, {
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    exposedHeaders: EXPOSED_HEADERS,
    strictPreflight: false,
    maxAge: 86_400,
  })
  identifyCallers(app, context.identity.sessions)
  const routes = typed(app)
  registerChannelRoutes(routes, context, pages)
  registerMemberRoutes(routes, context)
  registerPresenceRoutes(routes, context)
  registerStreamRoutes(routes, context, options.limiter.blocks)
  registerIdentityRoutes(routes, context)
  registerMetaRoutes(routes, context)
  registerProofRoute(routes, context, options.limits)
  registerPeerRoute(app, context)
  app.setNotFoundHandler(notFound)
  return { app, listener }
}
