import { type ErrorCode, errors, Problem, type Route, type RouteName, routeErrors, routes } from '@dred/protocol'
import Type, { type TSchema } from 'typebox'

const problems = { description: 'A fault of the server', content: { 'application/problem+json': { schema: Problem } } }

const events = {
  description: 'One event a line, or as server-sent events; see the documentation of streams',
  content: { 'application/x-ndjson': { schema: Type.Unknown() }, 'text/event-stream': { schema: Type.String() } },
}

/** Who asks, where a channel is not open to all. */
const securitySchemes = {
  session: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The token of POST /session' },
  capability: { type: 'apiKey', in: 'header', name: 'Dred-Capability', description: 'What POST /channel/{id}/capability has given' },
}
const security = [{}, { session: [] }, { capability: [] }, { session: [], capability: [] }]

const explainProblem: Route = {
  method: 'GET',
  path: '/problems/:code',
  summary: 'What an error code means',
  params: Type.Object({ code: Type.String() }),
  response: { 200: Type.Object({}) },
}

/** The OpenAPI 3.1 description of the routes for clients. */
export function describeApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  const all: [name: string, route: Route, errors: readonly ErrorCode[]][] = [
    ...Object.entries(routes).map(([name, route]): [string, Route, readonly ErrorCode[]] => [name, route, routeErrors[name as RouteName]]),
    ['explainProblem', explainProblem, [...routeErrors.wellKnown, 'not_found']],
  ]
  for (const [operationId, route, codes] of all) {
    const path = route.path.replace(/:([a-z]+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: { operationId, ...operation(route, codes) } }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Dred relay server', version, description: 'Errors are problem documents (RFC 9457).' },
    security,
    paths,
    components: { securitySchemes },
  }
}

function operation({ summary, params, querystring, body, response }: Route, codes: readonly ErrorCode[]): object {
  return {
    summary,
    parameters: [...parameters('path', params), ...parameters('query', querystring)],
    ...(body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: { ...(response === undefined ? { 200: events } : answers(response)), ...refusals(codes), default: problems },
  }
}

function parameters(place: 'path' | 'query', schema: TSchema = Type.Object({})): object[] {
  const { properties, required = [] } = schema as { properties: Record<string, TSchema>; required?: string[] }
  return Object.entries(properties).map(([name, property]) => ({ name, in: place, required: required.includes(name), schema: property }))
}

function answers(response: NonNullable<Route['response']>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(response).map(([status, schema]) => [
      status,
      status === '204'
        ? { description: 'Done' }
        : { description: status === '201' ? 'Created' : 'Success', content: { 'application/json': { schema } } },
    ]),
  )
}

/** By status, which several errors may share. */
function refusals(codes: readonly ErrorCode[]): Record<string, object> {
  const byStatus = Map.groupBy(codes, (code) => errors[code].status)
  return Object.fromEntries([...byStatus].map(([status, ofStatus]) => [status, { ...problems, description: ofStatus.join(', ') }]))
}
