import type { OutgoingHttpHeaders } from 'node:http'
import { DredError, describeMismatch, limits, routes, type StreamQuery, StreamsRequest } from '@dred/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ndjson, type StreamFormat, serverSentEvents } from '../realtime/format.ts'
import { followMany } from '../realtime/many.ts'
import { responseSink, type Sink } from '../realtime/sink.ts'
import type { Blocks } from '../limits/blocks.ts'
import type { AppContext, Routes } from './app.ts'
import { declaration } from './declaration.ts'
import { hasLeft } from './has-left.ts'

/** @param blocks asked for each channel of a stream of many: no address names them */
export function registerStreamRoutes(
  app: Routes,
  { channels, realtime: { hub }, membership, isClosing }: AppContext,
  blocks: Pick<Blocks, 'assert'>,
): void {
  app.route({
    ...declaration(routes.streamChannel),
    // Its head says nothing that could not be known, and what follows would have no end.
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const { query } = request
      hub.assertCapacity()
      const start = await channels.startStream(request.params.id, resumed(query, request), request.caller)
      // Both may have changed while the start was looked for, and are told while there is still a status to tell them by.
      if (isClosing()) throw new DredError('shutting_down')
      hub.assertOpenable(start)
      const format = formatFor(request)
      const sink = openSink(reply, format)
      if (sink) hub.open({ ...start, receipts: query.receipts !== undefined, presence: query.presence !== undefined }, sink, format)
      return reply
    },
  })
  app.route({
    ...declaration(routes.streamChannels),
    bodyLimit: limits.streamRequestBytes,
    handler: (request, reply) => {
      const { body, caller } = request
      assertStreamsRequest(body)
      membership.assertServing()
      const count = Object.keys(body.channels).length
      hub.assertCapacity(count)
      const format = formatFor(request)
      const sink = openSink(reply, format)
      if (!sink) return
      void followMany(hub, hub.openMany(count, sink, format), {
        channels: body.channels,
        start: async (id, query) => {
          blocks.assert('channel', id)
          return channels.startStream(id, query, caller)
        },
        receipts: body.receipts !== undefined,
        presence: body.presence === true,
      })
    },
  })
}

function assertStreamsRequest(body: unknown): asserts body is StreamsRequest {
  const mismatch = describeMismatch(StreamsRequest, body)
  if (mismatch !== undefined) throw new DredError('malformed_request', { detail: mismatch })
}

/** Begins the answer. @returns undefined when nobody waits for it any more */
function openSink(reply: FastifyReply, format: StreamFormat): Sink | undefined {
  reply.hijack()
  if (hasLeft(reply)) return undefined
  sendHead(reply, format)
  return responseSink(reply.raw)
}

/** An event source that reconnects says where it was in a header, and asks the same address as at first. */
function resumed(query: StreamQuery, { headers }: FastifyRequest): StreamQuery {
  const lastEventId = headers['last-event-id']
  return typeof lastEventId === 'string' && lastEventId !== '' ? { after: lastEventId } : query
}

function formatFor({ headers }: FastifyRequest): StreamFormat {
  return headers.accept?.includes('text/event-stream') ? serverSentEvents : ndjson
}

function sendHead(reply: FastifyReply, format: StreamFormat): void {
  const headers: OutgoingHttpHeaders = {
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    'content-type': format.contentType,
    'cache-control': 'no-store',
    // Reverse proxies pass on each event at once.
    'x-accel-buffering': 'no',
  }
  reply.raw.writeHead(200, headers)
  reply.raw.flushHeaders()
}
