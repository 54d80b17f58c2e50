import { DredError, routes } from '@dred/protocol'
import type { FastifyReply } from 'fastify'
import type { AppContext, Routes } from './app.ts'
import { declaration } from './declaration.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

export function registerChannelRoutes(app: Routes, { channels, receipts, realtime: { polls } }: AppContext): void {
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
      const { id } = request.params
      const { after, waitMs = 0 } = request.query
      if (waitMs > 0 && after === undefined) throw new DredError('malformed_request', { detail: 'waitMs goes with after' })
      const read = () => channels.history(id, request.query, request.caller)
      const { json } = waitMs > 0 ? await polls.poll(id, { waitMs, read, left: onceClosed(reply) }) : await read()
      // The page is JSON text already, with the signed bytes as they came.
      return reply.type(JSON_TYPE).send(Buffer.from(json) as never)
    },
  })
  app.route({
    ...declaration(routes.listChannels),
    handler: (request) => channels.list(request.query),
  })
}

/** Calls back when the connection goes away, or the answer has been sent. */
function onceClosed({ raw }: FastifyReply): (listener: () => void) => void {
  return (listener) => {
    if (raw.destroyed) listener()
    else raw.once('close', listener)
  }
}
