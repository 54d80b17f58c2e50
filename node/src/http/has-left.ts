import { Http2ServerResponse } from 'node:http2'
import type { FastifyReply } from 'fastify'

/** Whether nobody waits for an answer any more: then nothing that comes of it is told either, like its `close`. */
export function hasLeft({ raw }: Pick<FastifyReply, 'raw'>): boolean {
  const response: unknown = raw
  return response instanceof Http2ServerResponse ? response.stream.destroyed : raw.destroyed
}
