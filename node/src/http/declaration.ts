import type { Route } from '@dred/protocol'
import Type, { type TSchema } from 'typebox'

const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Explained at the address that is the type' }),
    retryable: Type.Boolean(),
    detail: Type.Optional(Type.String()),
    requestId: Type.Optional(Type.String()),
    oldest: Type.Optional(Type.String({ description: 'With cursor_expired: the cursor to go on from' })),
  },
  { description: 'A problem document (RFC 9457)' },
)

const problems = { description: 'Every error', content: { 'application/problem+json': { schema: Problem } } }

const events = {
  description: 'One event a line, or as server-sent events; see the documentation of streams',
  content: { 'application/x-ndjson': { schema: Type.Unknown() }, 'text/event-stream': { schema: Type.String() } },
}

type Schema<R extends Route> = Omit<R, 'method' | 'path' | 'response'> & { response: Record<string, unknown> & NonNullable<R['response']> }

/** A route of the protocol as Fastify registers it and OpenAPI shows it. */
export function declaration<const R extends Route>(route: R): { method: R['method']; url: R['path']; schema: Schema<R> } {
  const { method, path, response, ...schema } = route
  const answers: Record<string, TSchema | object> = { ...(response ?? { 200: events }), default: problems }
  return { method, url: path, schema: { ...schema, response: answers } as Schema<R> }
}
