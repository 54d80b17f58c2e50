import { DredError, paths, type Route, routes } from '@dred/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PEER_PATH } from '../peers/dial.ts'

const templates: Pick<Route, 'method' | 'path'>[] = [
  ...Object.values(routes),
  { method: 'GET', path: '/problems/:code' },
  { method: 'GET', path: '/openapi.json' },
  { method: 'POST', path: PEER_PATH },
]

const methodsByPattern = new Map<string, string[]>()
for (const { method, path } of templates) {
  const pattern = `^${path.replaceAll('.', '\\.').replace(/:[a-z]+/g, '[^/]+')}/?$`
  const head = method === 'GET' && path !== paths.streamChannel ? ['HEAD'] : []
  methodsByPattern.set(pattern, [...(methodsByPattern.get(pattern) ?? []), method, ...head])
}

/** Tells an address that does not exist from one that does not take the method. */
export function notFound(request: FastifyRequest, reply: FastifyReply): void {
  const [path = ''] = request.url.split('?')
  for (const [pattern, methods] of methodsByPattern) {
    if (!new RegExp(pattern).test(path) || methods.includes(request.method)) continue
    reply.header('allow', methods.join(', '))
    throw new DredError('method_not_allowed', { detail: `It takes ${methods.join(', ')}` })
  }
  throw new DredError('not_found')
}
