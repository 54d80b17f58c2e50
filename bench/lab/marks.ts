/**
 * Every message carries its number in plain sight, whatever protocol it travels by: the generator finds it in a socket's bytes without
 * parsing them, so that reading costs it the same little for every system.
 */
const OPEN = Buffer.from('<m:')
const DIGITS = 8
const CLOSE = '>'.charCodeAt(0)
const ZERO = '0'.charCodeAt(0)
const LENGTH = OPEN.length + DIGITS + 1

/** The text of a message: its number, then filling up to `bytes`. */
export function payload(n: number, bytes: number): string {
  return `<m:${String(n).padStart(DIGITS, '0')}>`.padEnd(bytes, 'abcdefghijklmnopqrstuvwxyz0123456789')
}

/** Finds the numbers of messages in the bytes of one socket, however they are cut. */
export class MarkReader {
  readonly #found: (n: number) => void
  #tail = Buffer.alloc(0)

  constructor(found: (n: number) => void) {
    this.#found = found
  }

  read(bytes: Buffer): void {
    // Of these bytes too few for a mark that begins in them: those are found next.
    if (this.#tail.length > 0) this.#scan(Buffer.concat([this.#tail, bytes.subarray(0, LENGTH - 1)]))
    this.#scan(bytes)
    const kept = LENGTH - 1
    this.#tail = bytes.length >= kept ? Buffer.from(bytes.subarray(-kept)) : Buffer.concat([this.#tail, bytes]).subarray(-kept)
  }

  #scan(bytes: Buffer): void {
    for (let at = bytes.indexOf(OPEN); at !== -1; at = bytes.indexOf(OPEN, at + OPEN.length)) {
      if (at + LENGTH > bytes.length) return
      if (bytes[at + LENGTH - 1] !== CLOSE) throw new Error('A mark is broken')
      let n = 0
      for (let i = at + OPEN.length; i < at + LENGTH - 1; i++) n = n * 10 + (bytes[i] ?? 0) - ZERO
      this.#found(n)
    }
  }
}
