import { apiVersion, DredError, versionHeader } from '@dred/protocol'
import type { FastifyInstance } from 'fastify'

/** Names the version on every answer and refuses requests that ask for another one. */
export function speakVersion(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header(versionHeader, apiVersion)
    const asked = request.headers[versionHeader]
    const spoken = asked === undefined || asked === apiVersion
    done(spoken ? undefined : new DredError('unsupported_version', { detail: `It speaks version ${apiVersion}` }))
  })
}
