import { Http2ServerResponse } from 'node:http2'
import { DredError } from '@dred/protocol'
import type { FastifyInstance } from 'fastify'
import { PEER_PATH } from '../peers/dial.ts'
import type { AppContext } from './app.ts'

/**
 * Where peers connect: the bodies of request and response are the two directions of a link. Who it is, the link finds out.
 */
export function registerPeerRoute(app: FastifyInstance, { replicator }: AppContext): void {
  app.route({
    method: 'POST',
    url: PEER_PATH,
    // Before the body would be parsed: it never ends.
    onRequest: [
      (_request, reply, done) => {
        const response: unknown = reply.raw
        if (!(response instanceof Http2ServerResponse)) {
          done(new DredError('malformed_request', { detail: 'Peers connect over HTTP/2' }))
          return
        }
        reply.hijack()
        replicator.accept(response.stream)
      },
    ],
    handler: () => {
      throw new DredError('internal')
    },
  })
}
