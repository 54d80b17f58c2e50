import { execFileSync } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A certificate authority for one run: servers that are not on loopback have to be reached by https. */
export class Authority {
  /** Its certificate, PEM. */
  readonly file: string
  readonly #key: string
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    this.file = join(folder, 'authority.pem')
    this.#key = join(folder, 'authority.key')
  }

  create(): void {
    request(['-subj', '/CN=Test authority', '-keyout', this.#key, '-out', this.file])
  }

  /** @returns the files of a certificate chain and its key, PEM */
  certify(name: string, address: string): { certFile: string; keyFile: string } {
    const certFile = join(this.#folder, `${name}.crt`)
    const keyFile = join(this.#folder, `${name}.key`)
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=IP:${address}`, '-addext', 'basicConstraints=critical,CA:FALSE']
    request([...subject, '-CA', this.file, '-CAkey', this.#key, '-keyout', keyFile, '-out', certFile])
    appendFileSync(certFile, readFileSync(this.file))
    return { certFile, keyFile }
  }
}

function request(args: string[]): void {
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', ...kind, ...args], { stdio: 'pipe' })
}
