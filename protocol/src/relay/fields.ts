import { LinkError } from './link-errors.ts'

const MAX_SERVER_ID = 0xffff_ffff

/** Reads the elements of a decoded CBOR array one after the other, each checked; anything else is a `malformed_frame`. */
export class Fields {
  readonly #values: readonly unknown[]
  #at = 0

  constructor(value: unknown) {
    if (!Array.isArray(value)) throw malformed('not an array')
    this.#values = value
  }

  get left(): number {
    return this.#values.length - this.#at
  }

  next(): unknown {
    if (this.left === 0) throw malformed('too few fields')
    return this.#values[this.#at++]
  }

  integer(min = 0, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.next()
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) throw malformed('not an integer in range')
    return value
  }

  server(): number {
    return this.integer(1, MAX_SERVER_ID)
  }

  /** @param max length in UTF-16 code units */
  text(max: number): string {
    const value = this.next()
    if (typeof value !== 'string' || value.length > max) throw malformed('not a text of allowed length')
    return value
  }

  matching(pattern: RegExp): string {
    const value = this.next()
    if (typeof value !== 'string' || !pattern.test(value)) throw malformed('not a text of the expected form')
    return value
  }

  bytes(length: number): Uint8Array {
    const value = this.next()
    if (!(value instanceof Uint8Array) || value.length !== length) throw malformed(`not ${length} bytes`)
    return value
  }

  boolean(): boolean {
    const value = this.next()
    if (typeof value !== 'boolean') throw malformed('not a boolean')
    return value
  }

  list<T>(max: number, read: (item: unknown) => T): T[] {
    const value = this.next()
    if (!Array.isArray(value) || value.length > max) throw malformed('not a list of allowed length')
    return value.map((item: unknown) => read(item))
  }

  end(): void {
    if (this.left > 0) throw malformed('too many fields')
  }
}

export function malformed(detail: string, cause?: unknown): LinkError {
  return new LinkError('malformed_frame', `Malformed frame: ${detail}`, cause)
}
