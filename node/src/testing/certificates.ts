import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Certificate, certificateOf } from '../tls/certificate.ts'
import type { Certificates } from '../tls/port.ts'

/** A self-signed certificate. */
export async function makeCertificate({
  days = 1,
  host = 'localhost',
  address = '127.0.0.1',
} = {}): Promise<{ cert: Buffer; key: Buffer }> {
  const folder = await mkdtemp(join(tmpdir(), 'dred-certificate-'))
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', `${days}`]
  const names = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host},IP:${address}`]
  await promisify(execFile)('openssl', ['req', ...kind, ...names, '-keyout', key, '-out', cert])
  const made = { cert: await readFile(cert), key: await readFile(key) }
  await rm(folder, { recursive: true })
  return made
}

/** Certificates that a test exchanges. */
export class TestCertificates implements Certificates {
  current: Certificate
  refused = 0
  readonly #listeners = new Set<(certificate: Certificate) => void>()

  constructor(files: { cert: Buffer; key: Buffer }) {
    this.current = certificateOf(files, { certFile: 'cert', keyFile: 'key' })
  }

  onChange(listener: (certificate: Certificate) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  use(files: { cert: Buffer; key: Buffer }): void {
    this.current = certificateOf(files, { certFile: 'cert', keyFile: 'key' })
    for (const listener of this.#listeners) listener(this.current)
  }
}
