import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { DredError } from '@dred/protocol'

/**
 * Refuses what a web page makes a browser send: a page can point its own name at this address (then the Host header is that name), and
 * can send to any address what needs no permission (then there is an Origin, or the browser says that it comes from elsewhere).
 * @throws DredError `malformed_request`
 */
export function refuseBrowsers({ headers }: IncomingMessage): void {
  const name = hostName(headers.host)
  if (name !== 'localhost' && isIP(name) === 0) {
    throw new DredError('malformed_request', { detail: 'The Host has to be an IP address or localhost' })
  }
  const site = headers['sec-fetch-site']
  if (headers.origin !== undefined || (site !== undefined && site !== 'none')) {
    throw new DredError('malformed_request', { detail: 'Web pages may not call this' })
  }
}

/** Without its port; of IPv6 without its brackets. `''` for what is no Host. */
export function hostName(host: string | undefined): string {
  const [, ipv6, name] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::[0-9]{1,5})?$/.exec(host ?? '') ?? []
  return (ipv6 ?? name ?? '').toLowerCase()
}
