import { DredError, describeMismatch, limits, routes, UnjudgedBatch } from '@dred/protocol'
import type { FastifyReply } from 'fastify'
import { tellProblem } from '../observability/problem-channel.ts'
import { countProblem } from '../observability/requests.ts'
import { traced } from '../observability/tracing.ts'
import type { Published } from '../publisher.ts'
import type { Goal } from '../receipts.ts'
import type { AppContext, Routes } from './app.ts'
import { declaration } from './declaration.ts'
import { toDredError } from './errors.ts'
import type { HeldPages } from './held-pages.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

export function registerChannelRoutes(app: Routes, context: AppContext, pages: HeldPages): void {
  const { channels, receipts, metrics, tracing } = context
  const { polls } = context.realtime
  const answer = async ({ accepted, cursor }: Published, goal: Goal | undefined) => ({
    id: accepted.id,
    cursor,
    receipt: await traced(tracing, 'receipt', () => receipts.issue(accepted, goal)),
  })
  app.route({
    ...declaration(routes.publish),
    handler: async (request, reply) => {
      const goal = receipts.goal(request.query)
      const published = await channels.publish(request.params.id, request.body, request.caller)
      return reply.code(published.created ? 201 : 200).send(await answer(published, goal))
    },
  })
  app.route({
    ...declaration(routes.publishBatch),
    bodyLimit: limits.batchBytes,
    handler: async (request) => {
      const goal = receipts.goal(request.query)
      const mismatch = describeMismatch(UnjudgedBatch, request.body)
      if (mismatch) throw new DredError('malformed_request', { detail: mismatch })
      const outcomes = await channels.publishAll(request.params.id, request.body.messages, request.caller)
      const results = outcomes.map(async (outcome) => {
        try {
          if (outcome.status === 'rejected') throw outcome.reason
          return { status: outcome.value.created ? 201 : 200, ...(await answer(outcome.value, goal)) }
        } catch (error) {
          const problem = toDredError(error)
          countProblem(metrics, error)
          const { method, path } = routes.publish
          tellProblem({ method, route: path, code: problem.code })
          if (problem.code === 'internal') request.log.error({ err: error, requestId: request.id }, 'a message of a batch failed')
          return { status: problem.status, problem: problem.toProblem(request.id) }
        }
      })
      return { results: await Promise.all(results) }
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
      const read = () => pages.make(request.address, () => channels.history(id, request.query, request.caller))
      // Who does not want the page need not wait for it.
      const waits = waitMs > 0 && request.method !== 'HEAD'
      const { json } = waits ? await polls.poll(id, { waitMs, read, left: onceClosed(reply) }) : await read()
      // The page is JSON text already, with the signed bytes as they came.
      return reply.type(JSON_TYPE).send(Buffer.from(json) as never)
    },
  })
  app.route({
    ...declaration(routes.listChannels),
    handler: (request) => pages.make(request.address, () => channels.list(request.query)),
  })
}

/** Calls back when the connection goes away, or the answer has been sent. */
function onceClosed({ raw }: FastifyReply): (listener: () => void) => void {
  return (listener) => {
    if (raw.destroyed) listener()
    else raw.once('close', listener)
  }
}
