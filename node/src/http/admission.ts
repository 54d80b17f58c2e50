import { Http2ServerRequest } from 'node:http2'
import { DredError, limits as protocol } from '@dred/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { addressKey } from '../limits/address.ts'
import { inSequence } from '../limits/in-sequence.ts'
import { type Limiter, requestCost } from '../limits/limiter.ts'
import { Shares } from '../limits/shares.ts'
import { PEER_PATH } from '../peers/dial.ts'
import { endUnreadBody, takesBody } from './bodies.ts'
import { bodyWork, routeCost } from './costs.ts'
import { tellState } from './errors.ts'
import { hasLeft } from './has-left.ts'
import { HeldPages } from './held-pages.ts'
import type { HttpLimits } from './limits.ts'
import { declaredMethod } from './methods.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the limits of an address count by, as of when the request came: once its client has left it has none. */
    address: string
  }
}

/**
 * Decides which requests are worked on. Before anything is read, verified or looked up, the address that a request comes from pays for
 * it and for the body that it announces; once a bearer token has been judged, so does its holder.
 * @returns what large answers are made by
 */
export function admitRequests(app: FastifyInstance, limiter: Limiter, limits: HttpLimits): HeldPages {
  const requests = new Shares({ what: 'requests', ...limiter.limits.requests })
  const bodies = new Shares({ what: 'bytes of bodies', ...limits.bodyBytes })
  const pages = new HeldPages(limits.heldPageBytes)

  const arrive = (request: FastifyRequest, reply: FastifyReply): void | Promise<void> => {
    const key = addressOf(request)
    request.address = key
    const bytes = bodyBytes(request)
    assertHead(request, limits)
    limiter.blocks.assert('address', key)
    requests.assertRoom(key, 1)
    bodies.assertRoom(key, bytes)
    if (bytes === 0) pages.assertRoom(key)
    if (bytes > 0) endUnreadBody(request)
    const releases = [requests.hold(key, 1), bodies.hold(key, bytes)]
    reply.raw.once('close', () => {
      for (const release of releases) release()
    })
    const { work, scope, tokens = 1 } = routeCost(request.method, request.routeOptions.url)
    return inSequence([
      () => limiter.take('address', key, requestCost(work, bytes)),
      () => scope && limiter.take(scope, key, tokens),
      () => {
        const state = limiter.state('address', key)
        if (state) tellState(reply, state)
      },
    ])
  }

  app.decorateRequest('address', '')
  app.addHook('onRequest', (request, reply, done) => settle(() => arrive(request, reply), done))
  app.addHook('preHandler', (request, _reply, done) => settle(() => chargeFurther(request, limiter), done))
  app.addHook('onSend', async (request, reply, payload) => {
    if ((typeof payload === 'string' || Buffer.isBuffer(payload)) && !hasLeft(reply)) {
      pages.hold(request.address, payload.length, reply.raw)
      limiter.answered(request.address, payload.length)
    }
    return payload
  })
  return pages
}

/** What is known of a request once it is whole, and of who sends it. */
function chargeFurther(request: FastifyRequest, limiter: Limiter): void | Promise<void> {
  const { id } = (request.params ?? {}) as { id?: string }
  if (id !== undefined) limiter.blocks.assert('channel', id)
  const work = bodyWork(request.body)
  const { work: ofRoute, scope } = routeCost(request.method, request.routeOptions.url)
  // Messages are charged to their senders by themselves.
  const isRead = declaredMethod(request.method) === 'GET' || scope === 'sessions'
  return inSequence([
    () => (work > 1 ? limiter.take('address', request.address, work - 1) : undefined),
    () => (isRead ? limiter.asked(request.caller, ofRoute) : undefined),
  ])
}

/** A connection that is gone has no address; nobody hears the answer. @throws DredError `malformed_request` */
function addressOf({ ip }: { ip?: string }): string {
  if (ip === undefined) throw new DredError('malformed_request', { detail: 'The client left' })
  return addressKey(ip)
}

/** @throws DredError `uri_too_long`, `headers_too_large` */
function assertHead({ raw }: FastifyRequest, { urlLength, headerBytes }: HttpLimits): void {
  if ((raw.url ?? '').length > urlLength) throw new DredError('uri_too_long', { detail: `It may have ${urlLength} characters` })
  if (raw.httpVersion === '1.1' && raw.headers.host === undefined) throw new DredError('malformed_request', { detail: 'It lacks a Host' })
  // Node has judged those of HTTP/1.1 by itself.
  if (!(raw instanceof Http2ServerRequest)) return
  const bytes = raw.rawHeaders.reduce((sum, { length }) => sum + length, 0)
  if (bytes > headerBytes) throw new DredError('headers_too_large', { detail: `They may have ${headerBytes} bytes` })
}

/** As many as are announced; as many as may be where nothing is. A peer's link has a flow control of its own. */
function bodyBytes({ method, headers, routeOptions }: FastifyRequest): number {
  if (!takesBody(method) || routeOptions.url === PEER_PATH) return 0
  const limit = routeOptions.bodyLimit ?? protocol.bodyBytes
  const announced = headers['content-length']
  return announced !== undefined && /^[0-9]{1,15}$/.test(announced) ? Math.min(Number(announced), limit) : limit
}

function settle(step: () => void | Promise<void>, done: (error?: Error) => void): void {
  let pending: void | Promise<void>
  try {
    pending = step()
  } catch (error) {
    done(error as Error)
    return
  }
  if (pending) pending.then(() => done(), done)
  else done()
}
