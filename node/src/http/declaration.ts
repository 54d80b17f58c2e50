import type { Route } from '@dred/protocol'
import * as Type from 'typebox'

/** An unknown name would be a mistake that nobody is told of. */
export const noQuery = Type.Object({}, { additionalProperties: false })

/** A route of the protocol as Fastify registers it; one without a query takes none. */
export function declaration<const R extends Route>(
  route: R,
): { method: R['method']; url: R['path']; schema: Omit<R, 'method' | 'path' | 'summary'> } {
  const { method, path, summary: _, ...schema } = route
  return { method, url: path, schema: { querystring: noQuery, ...schema } }
}
