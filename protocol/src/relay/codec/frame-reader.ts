import type { RelayFrame } from '../frame.ts'
import { LinkError } from '../link-errors.ts'
import { decodeFrame } from './decode-frame.ts'
import type { ListOf } from './frame-types.ts'

const LENGTH_BYTES = 4
/** So many chunks are joined: each costs much more than its bytes, and may have one. */
const MAX_CHUNKS = 1_024

/** Cuts a stream of bytes into frames. Never holds more than one frame that is not complete. */
export class FrameReader {
  /** Largest frame accepted, in bytes without its length. */
  maxBytes: number
  readonly #listOf: ListOf | undefined
  #chunks: Uint8Array[] = []
  #size = 0

  /** @param listOf see {@link decodeFrame} */
  constructor(maxBytes: number, listOf?: ListOf) {
    this.maxBytes = maxBytes
    this.#listOf = listOf
  }

  /**
   * Takes what arrived and gives the frames that it completes, one after the other; `maxBytes` may be changed between two.
   * @throws LinkError `oversized_frame` as soon as a length is announced that is too large, `malformed_frame`
   */
  *read(chunk: Uint8Array): Generator<RelayFrame, void> {
    this.#chunks.push(chunk)
    if (this.#chunks.length > MAX_CHUNKS) this.#chunks = [join(this.#chunks)]
    this.#size += chunk.length
    for (;;) {
      const length = this.#peekLength()
      if (length === undefined) return
      if (length > this.maxBytes) throw new LinkError('oversized_frame', `A frame of ${length} bytes; ${this.maxBytes} are allowed`)
      if (this.#size < LENGTH_BYTES + length) return
      yield decodeFrame(this.#take(LENGTH_BYTES + length).subarray(LENGTH_BYTES), this.#listOf)
    }
  }

  #peekLength(): number | undefined {
    if (this.#size < LENGTH_BYTES) return undefined
    while ((this.#chunks[0]?.length ?? LENGTH_BYTES) < LENGTH_BYTES)
      this.#chunks = [join(this.#chunks.slice(0, 2)), ...this.#chunks.slice(2)]
    const [first] = this.#chunks
    return first && new DataView(first.buffer, first.byteOffset, LENGTH_BYTES).getUint32(0)
  }

  #take(size: number): Uint8Array {
    const [first] = this.#chunks
    const whole = first && first.length >= size ? first : join(this.#chunks)
    const rest = whole.subarray(size)
    // Chunks that were not joined stay as they are.
    this.#chunks = whole === first ? this.#chunks.slice(1) : []
    if (rest.length > 0) this.#chunks.unshift(rest)
    this.#size -= size
    return whole.subarray(0, size)
  }
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    joined.set(chunk, at)
    at += chunk.length
  }
  return joined
}
