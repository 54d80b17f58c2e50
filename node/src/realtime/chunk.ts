/** Bytes of a stream, which all its readers share; framed once for HTTP/1.1 too. */
export class Chunk {
  readonly bytes: Buffer
  #framed: Buffer | undefined

  constructor(text: string) {
    this.bytes = Buffer.from(text)
  }

  /** As a chunk of HTTP/1.1's chunked transfer coding. Not for an empty one, which would be the end. */
  get framed(): Buffer {
    this.#framed ??= Buffer.concat([Buffer.from(`${this.bytes.length.toString(16)}\r\n`), this.bytes, CRLF])
    return this.#framed
  }
}

const CRLF = Buffer.from('\r\n')
