import type { IncomingMessage } from 'node:http'
import { constants, Http2ServerRequest } from 'node:http2'
import { DredError } from '@dred/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/**
 * One body type, parsed by `JSON.parse` and judged by the core as it came. Of a name that is there twice the last one counts:
 * it is the one that the signature, over the canonical form, has to match. `__proto__` is a name like any other.
 */
export function takeJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, JSON.parse(String(body)))
    } catch (cause) {
      done(new DredError('malformed_json', { cause }))
    }
  })
}

/** Whether a request's body is read. */
export function takesBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'DELETE'
}

/**
 * Refuses a body that comes bit by bit or not at all: it would hold a request and up to a body's size for as long as it likes. The
 * connection, of HTTP/2 the stream, ends with the answer.
 */
export function limitBodyTime(app: FastifyInstance, timeoutMs: number): void {
  app.addHook('preParsing', async (request, reply, payload) => {
    if (takesBody(request.method)) {
      const timer = setTimeout(() => {
        // Whoever reads the body is told, and answers.
        if (payload.listenerCount('error') === 0) return hangUp(request.raw)
        reply.raw.once('finish', () => hangUp(request.raw))
        payload.emit('error', new DredError('request_timeout', { detail: `The body did not come within ${timeoutMs} ms` }))
      }, timeoutMs)
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

/** Ends an HTTP/2 stream whose answer is complete before its body is: nobody waits for the rest, or keeps what came of it. */
export function endUnreadBody({ raw }: FastifyRequest): void {
  if (!(raw instanceof Http2ServerRequest)) return
  const { stream } = raw
  stream.once('finish', () => {
    if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
  })
}
