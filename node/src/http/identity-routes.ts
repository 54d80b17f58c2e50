import { routes } from '@dred/protocol'
import type { AppContext, Routes } from './app.ts'
import { bearerToken } from './caller.ts'
import { declaration } from './declaration.ts'

/** Sessions, revocations and capabilities. */
export function registerIdentityRoutes(app: Routes, { identity, channels, membership }: AppContext): void {
  const { sessions, revocations, capabilities } = identity
  app.route({
    ...declaration(routes.openSession),
    handler: async ({ body }, reply) => {
      membership.assertServing()
      const answer = await sessions.open(body)
      reply.header('cache-control', 'no-store')
      return 'session' in answer ? reply.code(201).send(answer.session) : reply.code(200).send(answer.challenge)
    },
  })
  app.route({
    ...declaration(routes.endSession),
    handler: async (request, reply) => {
      await sessions.end(bearerToken(request))
      return reply.code(204).send(null)
    },
  })
  app.route({
    ...declaration(routes.revokeDelegation),
    handler: ({ body }) => {
      membership.assertServing()
      return revocations.take(body)
    },
  })
  app.route({
    ...declaration(routes.issueCapability),
    handler: async ({ params, caller }, reply) => {
      const capability = await capabilities.issue(await channels.describe(params.id), caller)
      return reply.code(201).header('cache-control', 'no-store').send(capability)
    },
  })
}
