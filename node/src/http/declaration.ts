import type { Route } from '@dred/protocol'

/** A route of the protocol as Fastify registers it. */
export function declaration<const R extends Route>(
  route: R,
): { method: R['method']; url: R['path']; schema: Omit<R, 'method' | 'path' | 'summary'> } {
  const { method, path, summary: _, ...schema } = route
  return { method, url: path, schema }
}
