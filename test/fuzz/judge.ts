import { describeMismatch, errors, isErrorCode, Problem, type Route, type RouteName, routes } from '@dred/protocol'
import { isDeclared } from '../../node/src/testing/declared-errors.ts'
import { Finding } from './target.ts'

export interface HttpAnswer {
  status: number
  headers: Record<string, string>
  /** Undefined for a stream, which is not read. */
  body: string | undefined
}

/** Errors that a server in good health may answer with a status of its own failing. */
const HEALTHY_503 = new Set(['too_many_streams', 'too_many_channels', 'storage_full'])

/**
 * Judges an answer: a problem that its route declares, or a success of the shape that the route promises.
 * @param name the route that was asked; undefined where the request was mangled and may have meant anything
 * @returns what it was
 * @throws Finding
 */
export function judge({ status, headers, body }: HttpAnswer, name: RouteName | undefined): string {
  if (headers['dred-version'] !== '1') throw new Finding(`An answer ${status} without a version`)
  if (status >= 400) return judgeProblem({ status, headers, body }, name)
  if (status < 200 || status > 204) throw new Finding(`An answer ${status} ${body}`)
  const route: Route | undefined = name && routes[name]
  const schema = route?.response?.[status]
  if (body === undefined || status === 204 || !schema) return String(status)
  const mismatch = describeMismatch(schema, parse(body))
  if (mismatch !== undefined) throw new Finding(`${name} answers ${status} with another shape: ${mismatch}: ${body.slice(0, 500)}`)
  if (name === 'publishBatch') judgeItems(body)
  return String(status)
}

function judgeProblem({ status, headers, body = '' }: HttpAnswer, name: RouteName | undefined): string {
  if (headers['content-type'] !== 'application/problem+json; charset=utf-8')
    throw new Finding(`A problem of type ${headers['content-type']}: ${body}`)
  return judgeDocument(parse(body), status, name)
}

/** What a message of a batch is refused for it would be refused for alone. */
function judgeItems(body: string): void {
  const { results } = parse(body) as { results: { status: number; problem?: unknown }[] }
  for (const { status, problem } of results) if (problem !== undefined) judgeDocument(problem, status, 'publish')
}

function judgeDocument(document: unknown, status: number, name: RouteName | undefined): string {
  const problem = document as { code?: unknown; status?: unknown }
  const mismatch = describeMismatch(Problem, problem)
  const { code } = problem
  const text = JSON.stringify(document)
  if (mismatch !== undefined || !isErrorCode(code)) throw new Finding(`No problem document: ${mismatch ?? ''} ${text}`)
  if (errors[code].status !== status || problem.status !== status) throw new Finding(`${code} with status ${status}`)
  if (status >= 500 && !HEALTHY_503.has(code)) throw new Finding(`A healthy server answers ${text}`)
  if (name) {
    const { method, path } = routes[name]
    if (!isDeclared({ method, route: path, code }) && !isDeclared({ method, route: undefined, code }))
      throw new Finding(`${name} answers ${code}, which it does not declare`)
  }
  return code
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new Finding(`A body that is no JSON: ${body.slice(0, 500)}`)
  }
}
