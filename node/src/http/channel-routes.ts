import { routes } from '@dred/protocol'
import type { AppContext, Routes } from './app.ts'
import { declaration } from './declaration.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

export function registerChannelRoutes(app: Routes, { channels, receipts }: AppContext): void {
  app.route({
    ...declaration(routes.publish),
    handler: async (request, reply) => {
      const goal = receipts.goal(request.query)
      const { accepted, cursor, created } = await channels.publish(request.params.id, request.body, request.caller)
      const receipt = await receipts.issue(accepted, goal)
      return reply.code(created ? 201 : 200).send({ id: accepted.id, cursor, receipt })
    },
  })
  app.route({
    ...declaration(routes.createChannel),
    handler: async (request, reply) => {
      const { created, description } = await channels.create(request.params.id, request.body)
      return reply.code(created ? 201 : 200).send(description)
    },
  })
  app.route({
    ...declaration(routes.describeChannel),
    handler: (request) => channels.describe(request.params.id),
  })
  app.route({
    ...declaration(routes.channelMessages),
    handler: async (request, reply) => {
      const page = Buffer.from(await channels.history(request.params.id, request.query, request.caller))
      // The page is JSON text already, with the signed bytes as they came.
      return reply.type(JSON_TYPE).send(page as never)
    },
  })
  app.route({
    ...declaration(routes.listChannels),
    handler: (request) => channels.list(request.query),
  })
}
