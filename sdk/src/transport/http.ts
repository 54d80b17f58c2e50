import { describeMismatch, isErrorCode, type Route } from '@dred/protocol'
import type { Clock } from '../clock.ts'
import { abortError, DredClientError, type DredClientErrorOptions } from '../errors.ts'
import { withSignals } from '../signals.ts'

type ResponseSchema = NonNullable<Route['response']>[number]

/** A full page of the largest messages with the largest cursors has about 37 MB. */
const MAX_JSON_BYTES = 41_943_040
const MAX_PROBLEM_BYTES = 65_536

export interface HttpRequest {
  url: string
  /** Default GET. */
  method?: 'GET' | 'POST' | 'PUT'
  /** Sent as JSON. */
  body?: unknown
  headers?: Record<string, string>
  signal: AbortSignal
}

/** HTTP by `fetch`, every failure a {@link DredClientError}. */
export class Http {
  readonly #fetch: typeof fetch
  readonly #clock: Clock
  readonly #timeoutMs: number

  constructor(options: { fetch: typeof fetch; clock: Clock; timeoutMs: number }) {
    this.#fetch = options.fetch
    this.#clock = options.clock
    this.#timeoutMs = options.timeoutMs
  }

  /**
   * Resolves at the response's headers, for status 2xx and 304.
   * @throws DredClientError the problem's code; `network`; `aborted` or what the signal's reason says
   */
  async send(request: HttpRequest): Promise<Response> {
    const { url, method = 'GET', body, headers, signal } = request
    const response = await this.#guard(request, () =>
      this.#fetch(url, {
        method,
        signal,
        credentials: 'omit',
        // Only the endpoints that are registered are asked, and nothing behind them.
        redirect: 'error',
        headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    )
    if (response.ok || response.status === 304) return response
    throw problemError(url, response, await this.#text(request, response, MAX_PROBLEM_BYTES))
  }

  /**
   * A JSON answer of the given shape, within the request timeout.
   * @throws DredClientError as {@link Http.send}; `timeout`; `invalid_response`
   */
  async json<T>(request: HttpRequest, schema: ResponseSchema): Promise<T> {
    return withSignals({ signals: [request.signal], timeout: { clock: this.#clock, ms: this.#timeoutMs } }, async (signal) => {
      const response = await this.send({ ...request, signal })
      const body = await this.readJson({ ...request, signal }, response)
      const mismatch = describeMismatch(schema, body)
      if (mismatch) throw new DredClientError('invalid_response', { detail: mismatch, server: new URL(request.url).origin })
      return body as T
    })
  }

  async readJson(request: HttpRequest, response: Response): Promise<unknown> {
    const body = parseJson(await this.#text(request, response, MAX_JSON_BYTES))
    if (body === undefined) {
      throw new DredClientError('invalid_response', { detail: 'The answer is not JSON', server: new URL(request.url).origin })
    }
    return body
  }

  async #text(request: HttpRequest, response: Response, maxBytes: number): Promise<string> {
    const text = await this.#guard(request, () => readText(response, maxBytes))
    if (text !== undefined) return text
    throw new DredClientError('invalid_response', { detail: 'The answer is too large', server: new URL(request.url).origin })
  }

  async #guard<T>({ url, signal }: HttpRequest, task: () => Promise<T>): Promise<T> {
    if (signal.aborted) throw abortError(signal)
    try {
      return await task()
    } catch (cause) {
      if (signal.aborted) throw abortError(signal)
      throw new DredClientError('network', { cause, server: new URL(url).origin })
    }
  }
}

/** @returns undefined, and no more is read, when the body has more than `maxBytes` */
async function readText(response: Response, maxBytes: number): Promise<string | undefined> {
  if (!response.body) return ''
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for (;;) {
    const { value } = await reader.read()
    if (value === undefined) return text + decoder.decode()
    bytes += value.length
    if (bytes > maxBytes) {
      await reader.cancel()
      return undefined
    }
    text += decoder.decode(value, { stream: true })
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function problemError(url: string, response: Response, text: string): DredClientError {
  const body = parseJson(text)
  const problem: Record<string, unknown> = typeof body === 'object' && body !== null ? { ...body } : {}
  const optional = (name: string): string | undefined => (typeof problem[name] === 'string' ? problem[name] : undefined)
  const detail = optional('detail')
  const requestId = optional('requestId')
  const oldest = optional('oldest')
  const retryAfterMs = parseRetryAfter(response.headers)
  const options: DredClientErrorOptions = {
    server: new URL(url).origin,
    ...(detail === undefined ? {} : { detail }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(oldest === undefined ? {} : { oldest }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
  if (isErrorCode(problem['code'])) return new DredClientError(problem['code'], options)
  if (response.status === 429) return new DredClientError('rate_limited', options)
  return new DredClientError('invalid_response', { ...options, detail: `The server answered ${response.status} without a Dred error` })
}

/** `Retry-After` (RFC 9110 §10.2.3), in seconds or as a date, as milliseconds from the response's own `Date`. */
function parseRetryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after')
  if (value === null) return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1_000
  const until = Date.parse(value)
  const from = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(until) || Number.isNaN(from) ? undefined : Math.max(0, until - from)
}
