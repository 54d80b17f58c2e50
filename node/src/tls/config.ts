import type { Fields } from '../config-fields.ts'

/** The `tls` part of the configuration: PEM files, read again whenever they change. */
export interface TlsConfig {
  /** The certificate and those that lead to its root. */
  certFile: string
  /** Readable by nobody else. */
  keyFile: string
}

export function readTlsConfig(fields: Fields): TlsConfig {
  const tls = {
    certFile: fields.string('certFile', { expected: 'the path of a PEM certificate chain' }),
    keyFile: fields.string('keyFile', { expected: 'the path of a PEM private key' }),
  }
  fields.refuseUnknown()
  return tls
}
