import type { Fields } from '../config-fields.ts'

/** The `acme` part of the configuration: who gives certificates, which go to the files of the `tls` part. */
export interface AcmeConfig {
  /** Of the certificate authority. */
  directoryUrl: string
  /** Whom it may write to. */
  email?: string
  domains: string[]
  /** That its terms of service are agreed to; nothing is ordered else. */
  agreeTos: true
  /** The key of the account there; made, mode 0600, if it is not there. */
  accountKeyFile: string
  /** Where it looks for the answer to its challenge (`http-01`): port 80 of each domain has to lead to this. */
  host: string
  port: number
  /** PEM file with the root of the directory's own certificate, where the system does not trust it. */
  caFile?: string
}

const DOMAIN = /^(?=.{4,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/

export function readAcme(fields: Fields): AcmeConfig {
  const domains = fields.strings('domains')
  if (domains.length === 0 || !domains.every((domain) => DOMAIN.test(domain)))
    fields.report('domains', domains, 'a list of lowercase names')
  if (!fields.boolean('agreeTos', false)) fields.report('agreeTos', false, "true: agree to the certificate authority's terms of service")
  const acme: AcmeConfig = {
    directoryUrl: fields.string('directoryUrl', { pattern: /^https:\/\//, expected: 'an https:// address' }),
    ...(fields.has('email') ? { email: fields.string('email', { pattern: /^\S+@\S+$/, expected: 'an e-mail address' }) } : {}),
    domains,
    agreeTos: true,
    accountKeyFile: fields.string('accountKeyFile', { expected: 'the path of a key file' }),
    host: fields.string('host', { fallback: '0.0.0.0' }),
    port: fields.integer('port', { min: 1, max: 65_535, fallback: 80 }),
    ...(fields.has('caFile') ? { caFile: fields.string('caFile', { expected: 'the path of a PEM file' }) } : {}),
  }
  fields.refuseUnknown()
  return acme
}
