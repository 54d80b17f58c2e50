import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import { StartupError } from '../startup-error.ts'
import { messageOf } from '../thrown.ts'
import type { TlsConfig } from './config.ts'

/** A certificate chain and its key, in PEM form, that belong together. */
export interface Certificate {
  cert: Buffer
  key: Buffer
  /** Unix milliseconds at which it ends. */
  notAfter: number
  /** Whether it is for a host. */
  covers(host: string): boolean
}

/**
 * Reads a certificate and its key.
 * @throws StartupError `config` when a file cannot be read, is not what it has to be, or the two do not belong together
 */
export async function readCertificate({ certFile, keyFile }: TlsConfig): Promise<Certificate> {
  const [cert, key] = await Promise.all([readNamed(certFile), readNamed(keyFile)])
  return certificateOf({ cert, key }, { certFile, keyFile })
}

/**
 * A certificate and its key from their PEM texts.
 * @throws StartupError `config` that names the files
 */
export function certificateOf({ cert, key }: { cert: Buffer; key: Buffer }, { certFile, keyFile }: TlsConfig): Certificate {
  const leaf = parsed(certFile, 'a certificate', () => new X509Certificate(cert))
  const privateKey = parsed(keyFile, 'a private key', () => createPrivateKey(key))
  if (!leaf.checkPrivateKey(privateKey)) throw new StartupError('config', `${keyFile} is not the key of the certificate in ${certFile}`)
  parsed(certFile, 'a certificate chain for TLS', () => createSecureContext({ cert, key }))
  return {
    cert,
    key,
    notAfter: Date.parse(leaf.validTo),
    covers: (host) => {
      const bare = host.replace(/^\[|\]$/g, '')
      return (isIP(bare) === 0 ? leaf.checkHost(bare) : leaf.checkIP(bare)) !== undefined
    },
  }
}

async function readNamed(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => {
    throw new StartupError('config', `${file}, named by tls, cannot be read: ${messageOf(cause)}`, cause)
  })
}

function parsed<T>(file: string, what: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw new StartupError('config', `${file}, named by tls, is not ${what} in PEM form: ${messageOf(cause)}`, cause)
  }
}
