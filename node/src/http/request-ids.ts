import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { proxies } from './proxies.ts'

const TAKEN_OVER = /^[\w.:/+=-]{1,64}$/

/**
 * Ids that tell requests apart across restarts, without asking the system for random bytes each time. A proxy that is trusted may name
 * its requests itself, by `X-Request-Id`.
 */
export function requestIds(trustProxy: readonly string[]): (request: Pick<IncomingMessage, 'headers' | 'socket'>) => string {
  const boot = randomBytes(6).toString('base64url')
  const isProxy = proxies(trustProxy)
  let count = 0
  return ({ headers, socket }) => {
    const given = trustProxy.length > 0 ? headers['x-request-id'] : undefined
    const address = socket?.remoteAddress
    if (typeof given === 'string' && TAKEN_OVER.test(given) && address && isProxy(address)) {
      return given
    }
    return `${boot}-${(++count).toString(36)}`
  }
}
