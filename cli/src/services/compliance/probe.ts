import { createHash, type X509Certificate } from 'node:crypto'
import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { TLSSocket } from 'node:tls'
import type { Hex } from 'viem'

/** No answer of a server that complies is larger or slower. */
const MAX_BODY_BYTES = 1_048_576
const TIMEOUT_MS = 10_000

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

/** The TLS certificate that a server presented, its chain verified. */
export interface Certificate {
  /** SHA-256 of the DER SubjectPublicKeyInfo. */
  spkiHash: Hex
  /** Last Unix time in seconds at which it is valid. */
  validUntil: number
}

/** One connection to a server under examination: what it answers, and with which certificate. Redirects are not followed. */
export class Probe {
  readonly #endpoint: URL
  readonly #agent: HttpAgent | HttpsAgent
  readonly #pages = new Map<string, Promise<Answer>>()
  readonly #seen = new WeakSet<TLSSocket>()
  #certificate: Certificate | undefined

  /** @param ca certificates to trust in place of the system's, PEM */
  constructor(endpoint: string, ca?: string) {
    this.#endpoint = new URL(endpoint)
    const options = { keepAlive: true, maxSockets: 1 }
    // A resumed session shows no certificate.
    const secure = { ...options, maxCachedSessions: 0, ...(ca === undefined ? {} : { ca }) }
    this.#agent = this.#endpoint.protocol === 'https:' ? new HttpsAgent(secure) : new HttpAgent(options)
  }

  /** Of the first answer; undefined before it and without TLS. */
  get certificate(): Certificate | undefined {
    return this.#certificate
  }

  /** What it answered when first asked for this path; throws as {@link request}. */
  page(path: string): Promise<Answer> {
    const page = this.#pages.get(path) ?? this.request('GET', path)
    this.#pages.set(path, page)
    return page
  }

  /**
   * @param body sent as it is
   * @throws the system's or TLS's error; Error for an answer that is too large or too slow, or another certificate than before
   */
  async request(method: string, path: string, body?: { type: string; content: string }): Promise<Answer> {
    const response = await this.#send(method, path, body)
    const chunks: Buffer[] = []
    let size = 0
    try {
      this.#note(response)
      for await (const chunk of response) {
        const bytes = Buffer.from(chunk as Uint8Array)
        size += bytes.length
        if (size > MAX_BODY_BYTES) throw new Error(`${path} answers with more than ${MAX_BODY_BYTES} bytes`)
        chunks.push(bytes)
      }
    } catch (error) {
      response.destroy()
      throw error
    }
    return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString('utf8') }
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(method: string, path: string, body: { type: string; content: string } | undefined): Promise<IncomingMessage> {
    const secure = this.#endpoint.protocol === 'https:'
    const headers = body === undefined ? {} : { 'content-type': body.type, 'content-length': Buffer.byteLength(body.content) }
    return new Promise((resolve, reject) => {
      const send = secure ? httpsRequest : httpRequest
      const options = { method, headers, agent: this.#agent, signal: AbortSignal.timeout(TIMEOUT_MS) }
      const request = send(new URL(path, this.#endpoint), options, resolve)
      request.on('error', reject)
      request.end(body?.content)
    })
  }

  #note(response: IncomingMessage): void {
    const { socket } = response
    if (!(socket instanceof TLSSocket) || this.#seen.has(socket)) return
    this.#seen.add(socket)
    const presented = socket.getPeerX509Certificate()
    if (!presented) throw new Error('The server presented no certificate')
    const certificate = describe(presented)
    this.#certificate ??= certificate
    if (certificate.spkiHash !== this.#certificate.spkiHash) throw new Error('The server presented another certificate than a moment ago')
  }
}

function describe(certificate: X509Certificate): Certificate {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return {
    spkiHash: `0x${createHash('sha256').update(spki).digest('hex')}`,
    validUntil: Math.floor(certificate.validToDate.getTime() / 1000),
  }
}
