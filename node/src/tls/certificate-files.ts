import { stat } from 'node:fs/promises'
import type { Log } from '../log.ts'
import { messageOf } from '../thrown.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import type { TlsConfig } from './config.ts'
import type { Certificates } from './port.ts'

const LOOK_EVERY_MS = 5_000

export interface CertificateFilesOptions {
  files: TlsConfig
  log: Log
  /** Milliseconds between two looks at the files. */
  everyMs?: number
  /** What is to be closed with it. */
  with?: { close(): Promise<void> }
}

/** A certificate of files that may be exchanged at any time: what does not fit together is left, and the one before stays in use. */
export class CertificateFiles implements Certificates {
  current: Certificate
  refused = 0
  readonly #options: CertificateFilesOptions
  readonly #listeners = new Set<(certificate: Certificate) => void>()
  readonly #timer: NodeJS.Timeout
  /** How the files looked when they were read last. */
  #seen: string
  #looking: Promise<void> = Promise.resolve()

  /** @throws StartupError `config` as {@link readCertificate} */
  static async open(options: CertificateFilesOptions): Promise<CertificateFiles> {
    const seen = await lookOf(options.files)
    return new CertificateFiles(options, seen, await readCertificate(options.files))
  }

  private constructor(options: CertificateFilesOptions, seen: string, current: Certificate) {
    this.#options = options
    this.#seen = seen
    this.current = current
    this.#timer = setInterval(() => void this.look(), options.everyMs ?? LOOK_EVERY_MS)
    this.#timer.unref()
  }

  onChange(listener: (certificate: Certificate) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Looks whether the files have changed; resolves once what they have is in use, or refused. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look())
    return this.#looking
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#options.with?.close()
    await this.#looking
  }

  async #look(): Promise<void> {
    const { files, log } = this.#options
    const seen = await lookOf(files)
    if (seen === this.#seen) return
    this.#seen = seen
    try {
      const next = await readCertificate(files)
      if (next.cert.equals(this.current.cert) && next.key.equals(this.current.key)) return
      if (next.notAfter <= Date.now()) throw new Error(`The certificate in ${files.certFile} is over`)
      this.current = next
      log.info({ notAfter: new Date(next.notAfter).toISOString() }, 'showing another TLS certificate')
      for (const listener of this.#listeners) listener(next)
    } catch (error) {
      this.refused++
      log.error({ detail: messageOf(error) }, 'the new TLS certificate is not fit for use: the one before stays')
    }
  }
}

/** Changes with the files: which they are, when they were written, and how long they are. */
async function lookOf({ certFile, keyFile }: TlsConfig): Promise<string> {
  const looks = [certFile, keyFile].map((file) =>
    stat(file, { bigint: true }).then(
      ({ ino, mtimeNs, ctimeNs, size }) => [ino, mtimeNs, ctimeNs, size].join(),
      () => 'absent',
    ),
  )
  return (await Promise.all(looks)).join(' ')
}
