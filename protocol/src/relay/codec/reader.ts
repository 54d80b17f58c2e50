import { LinkError } from '../link-errors.ts'

const MAX_SERVER_ID = 0xffff_ffff
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads the CBOR (RFC 8949) of a frame item by item, each of the type and in the range that is expected. Whatever is otherwise,
 * not in its shortest form, or cut off, is a LinkError `malformed_frame`.
 */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  integer(min = 0, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#head(0)
    if (value < min || value > max) throw malformed('an integer out of range')
    return value
  }

  server(): number {
    return this.integer(1, MAX_SERVER_ID)
  }

  epoch(): number {
    return this.integer(0, 0xffff_ffff)
  }

  boolean(): boolean {
    const value = this.#head(7)
    if (value !== 20 && value !== 21) throw malformed('not a boolean')
    return value === 21
  }

  /** @param maxBytes of its UTF-8 */
  text(maxBytes: number): string {
    const bytes = this.#content(this.#head(3), maxBytes)
    try {
      return decoder.decode(bytes)
    } catch (cause) {
      throw malformed('not UTF-8', cause)
    }
  }

  /** @param maxBytes of its UTF-8 */
  matching(pattern: RegExp, maxBytes: number): string {
    const text = this.text(maxBytes)
    if (!pattern.test(text)) throw malformed('not a text of the expected form')
    return text
  }

  bytes(min: number, max = min): Uint8Array<ArrayBuffer> {
    const length = this.#head(2)
    if (length < min) throw malformed(`fewer than ${min} bytes`)
    return new Uint8Array(this.#content(length, max))
  }

  /** Begins an array. @returns the number of its items */
  array(min: number, max = min): number {
    const length = this.#head(4)
    if (length < min || length > max) throw malformed('an array of another length')
    return length
  }

  /** Reads an array whose items are alike. */
  list<T>(max: number, read: (reader: Reader) => T): T[] {
    const length = this.array(0, max)
    const items: T[] = []
    while (items.length < length) items.push(read(this))
    return items
  }

  end(): void {
    if (this.#at < this.#bytes.length) throw malformed('bytes after its end')
  }

  #content(length: number, max: number): Uint8Array {
    if (length > max) throw malformed(`more than ${max} bytes`)
    if (this.#at + length > this.#bytes.length) throw malformed('cut off')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** The value that stands beside the major type. */
  #head(major: number): number {
    const first = this.#bytes[this.#at++]
    if (first === undefined) throw malformed('cut off')
    if (first >> 5 !== major) throw malformed('an item of another type')
    const value = first & 31
    if (value < 24) return value
    if (value > 27) throw malformed('an item of indefinite length')
    const size = 1 << (value - 24)
    if (this.#at + size > this.#bytes.length) throw malformed('cut off')
    this.#at += size
    return this.#number(size)
  }

  /** The number of `size` bytes that was passed. */
  #number(size: number): number {
    const at = this.#at - size
    if (size === 1) return atLeast(24, this.#view.getUint8(at))
    if (size === 2) return atLeast(0x100, this.#view.getUint16(at))
    if (size === 4) return atLeast(0x1_0000, this.#view.getUint32(at))
    return atLeast(0x1_0000_0000, this.#view.getUint32(at) * 0x1_0000_0000 + this.#view.getUint32(at + 4))
  }
}

function atLeast(min: number, value: number): number {
  if (value < min) throw malformed('not in its shortest form')
  return value
}

export function malformed(detail: string, cause?: unknown): LinkError {
  return new LinkError('malformed_frame', `Malformed frame: ${detail}`, cause)
}
