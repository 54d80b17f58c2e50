import { utf8 } from '../../encoding.ts'

const encoder = new TextEncoder()

/** An item that is encoded already. */
export class Encoded {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/** A number is an unsigned integer. */
export type Item = number | string | boolean | Uint8Array | Encoded | readonly Item[]

/**
 * The CBOR (RFC 8949) of an item, everything in its shortest form.
 * @param room bytes to be left free before it
 * @throws RangeError for a number that is no unsigned integer
 */
export function encodeItem(item: Item, room = 0): Uint8Array<ArrayBuffer> {
  writer.begin(room)
  writer.item(item)
  return writer.end()
}

class Writer {
  #bytes = new Uint8Array(4_096)
  #view = new DataView(this.#bytes.buffer)
  #length = 0

  begin(room: number): void {
    this.#length = room
  }

  item(item: Item): void {
    if (typeof item === 'number') this.#integer(item)
    else if (typeof item === 'string') this.#text(item)
    else if (typeof item === 'boolean') this.#head(7, item ? 21 : 20)
    else if (item instanceof Uint8Array) {
      this.#head(2, item.length)
      this.#raw(item)
    } else if (item instanceof Encoded) this.#raw(item.bytes)
    else {
      this.#head(4, item.length)
      for (const part of item) this.item(part)
    }
  }

  /** @returns a copy: the bytes written to are those of the next item too */
  end(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length)
  }

  #raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #integer(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not an unsigned integer`)
    this.#head(0, value)
  }

  #text(value: string): void {
    const start = this.#length
    this.#head(3, value.length)
    this.#reserve(value.length)
    const { read } = encoder.encodeInto(value, this.#bytes.subarray(this.#length, this.#length + value.length))
    if (read === value.length) {
      // It took a byte for each code unit: the text is ASCII, and its length was right.
      this.#length += read
      return
    }
    this.#length = start
    const encoded = utf8(value)
    this.#head(3, encoded.length)
    this.#raw(encoded)
  }

  /** The major type and its value. */
  #head(major: number, value: number): void {
    this.#reserve(9)
    const at = this.#length
    const high = major << 5
    if (value < 24) {
      this.#bytes[at] = high | value
      this.#length += 1
    } else if (value < 0x100) {
      this.#view.setUint16(at, ((high | 24) << 8) | value)
      this.#length += 2
    } else if (value < 0x1_0000) {
      this.#bytes[at] = high | 25
      this.#view.setUint16(at + 1, value)
      this.#length += 3
    } else if (value < 0x1_0000_0000) {
      this.#bytes[at] = high | 26
      this.#view.setUint32(at + 1, value)
      this.#length += 5
    } else {
      this.#bytes[at] = high | 27
      this.#view.setUint32(at + 1, Math.floor(value / 0x1_0000_0000))
      this.#view.setUint32(at + 5, value % 0x1_0000_0000)
      this.#length += 9
    }
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
    larger.set(this.#bytes)
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }
}

/** One for all: an item is written as a whole before the next one begins. */
const writer = new Writer()
