import { StartupError } from '../startup-error.ts'
import type { Certificate } from './certificate.ts'

export interface Shown {
  /** What this process shows; left out without TLS. */
  certificate?: Pick<Certificate, 'covers'> | undefined
  /** Whether clients may come by a proxy. */
  behindProxy: boolean
}

/**
 * Which certificate who comes to the registered endpoint finds there, in a few words.
 * @throws StartupError `config` when it would reach nobody
 */
export function judgeEndpoint(endpoint: string, { certificate, behindProxy }: Shown): string {
  const { protocol, hostname } = new URL(endpoint)
  if (protocol === 'http:') {
    if (!certificate) return 'none, as http needs none'
    throw new StartupError(
      'config',
      `The server is registered at ${endpoint}, where nobody expects TLS: register https://, or leave tls out`,
    )
  }
  if (!certificate) {
    if (behindProxy) return `none: a proxy has to show one for ${hostname}, and servers link only where TLS ends in the server itself`
    throw new StartupError(
      'config',
      `The server is registered at ${endpoint}, and has no certificate: set tls, or trustProxy if a proxy has it`,
    )
  }
  if (!certificate.covers(hostname))
    throw new StartupError('config', `The certificate is not for ${hostname}, where the server is registered`)
  return `for ${hostname}`
}
