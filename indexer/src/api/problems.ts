/** Every error of the discovery API. 503 means: ask again, or ask another discovery API or the chain itself. */
const problems = {
  malformed_request: { status: 400, retryable: false, title: 'A parameter of the request is not valid' },
  malformed_cursor: { status: 400, retryable: false, title: 'The cursor is not one that this list gave' },
  not_found: { status: 404, retryable: false, title: 'There is nothing at this address' },
  method_not_allowed: { status: 405, retryable: false, title: 'This address does not take that method' },
  internal: { status: 500, retryable: true, title: 'The discovery API failed' },
  stale_chain: { status: 503, retryable: true, title: 'The indexed data is not of the chain that the RPC endpoint now serves' },
  chain_unreachable: {
    status: 503,
    retryable: true,
    title: 'The RPC endpoint does not answer, so the data cannot be checked against the chain',
  },
  indexer_starting: { status: 503, retryable: true, title: 'The indexer has not reached the tip of the chain yet' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>

export type ProblemCode = keyof typeof problems

export const problemCodes = Object.keys(problems) as ProblemCode[]

/** An error that is answered as an RFC 9457 problem document. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly code: ProblemCode
  /** What the title does not say, if anything. */
  readonly detail: string | undefined

  constructor(code: ProblemCode, detail?: string, options?: ErrorOptions) {
    super(detail ?? problems[code].title, options)
    this.code = code
    this.detail = detail
  }
}

/** The response of a problem: never cached, with `Retry-After` in seconds where a retry can help. */
export function problemResponse(code: ProblemCode, detail?: string): Response {
  const { status, retryable, title } = problems[code]
  const body = { type: `/problems/${code}`, title, status, code, retryable, ...(detail === undefined ? {} : { detail }) }
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
  if (retryable) headers.set('retry-after', '1')
  if (code === 'method_not_allowed') headers.set('allow', 'GET, HEAD')
  return new Response(JSON.stringify(body), { status, headers })
}

/** What `GET /problems/:code`, the address that a problem's `type` names, says of it; undefined for a code that there is not. */
export function explainProblem(code: string): object | undefined {
  const known = problemCodes.find((candidate) => candidate === code)
  if (known === undefined) return undefined
  const { status, retryable, title } = problems[known]
  const advice = retryable
    ? 'The same request may succeed later, or at another discovery API; servers and the chain itself can be asked meanwhile.'
    : 'The same request will be refused again: change it first.'
  return { code: known, title, status, retryable, advice }
}
