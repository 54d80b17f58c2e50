import type { IncomingMessage } from 'node:http'
import { DredError } from '@dred/protocol'
import type { Command, Fields } from './commands.ts'
import { refuseBrowsers } from './guard.ts'
import { isBearer } from './token.ts'

const MAX_BODY_BYTES = 4_096

/**
 * Performs a command for who has the token.
 * @throws DredError
 */
export async function perform(request: IncomingMessage, commands: ReadonlyMap<string, Command>, token: string): Promise<object> {
  refuseBrowsers(request)
  if (!isBearer(request.headers.authorization, token)) {
    throw new DredError('unauthorized', { detail: 'It takes the token of the admin token file: Authorization: Bearer <token>' })
  }
  const [path = '', query = ''] = (request.url ?? '').split('?')
  const command = commands.get(`${request.method} ${path}`)
  if (!command) {
    const isPath = [...commands.keys()].some((name) => name.endsWith(` ${path}`))
    throw new DredError(isPath ? 'method_not_allowed' : 'not_found')
  }
  return command(request.method === 'POST' ? await readBody(request) : Object.fromEntries(new URLSearchParams(query)))
}

/** @returns {} of an empty body. @throws DredError `body_too_large`, `malformed_json` */
async function readBody(request: IncomingMessage): Promise<Fields> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > MAX_BODY_BYTES) throw new DredError('body_too_large')
  }
  if (text === '') return {}
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    throw new DredError('malformed_json', { cause })
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new DredError('malformed_json', { detail: 'It has to be an object' })
  return body as Fields
}
