import type { Socket } from 'node:net'
import type { ErrorCode } from '@dred/protocol'
import { rawProblem } from './errors.ts'

const codes: Record<string, { code: ErrorCode; detail: string }> = {
  HPE_HEADER_OVERFLOW: { code: 'headers_too_large', detail: 'The address and the headers are larger than this server reads' },
  ERR_HTTP_REQUEST_TIMEOUT: { code: 'request_timeout', detail: 'The request did not come in time' },
}
const NO_REQUEST = { code: 'malformed_request', detail: 'The connection does not carry an HTTP request' } as const

/** Answers what Node's parser refuses on an HTTP/1.1 connection, and closes it. */
export function answerClientError(error: Error & { code?: string }, socket: Pick<Socket, 'writable' | 'end' | 'destroy'>): void {
  const { code, detail } = codes[error.code ?? ''] ?? NO_REQUEST
  if (socket.writable) socket.end(rawProblem(code, detail))
  else socket.destroy()
}
