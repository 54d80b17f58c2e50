import { hash } from 'node:crypto'
import { hashWith } from '@dred/protocol'

/** Lets everything in this process hash with OpenSSL. */
export function hashNatively(): void {
  hashWith(nativeSha256)
}

export function nativeSha256(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const [first = new Uint8Array()] = parts
  const digest = hash('sha256', parts.length > 1 ? Buffer.concat(parts) : first, 'buffer')
  return new Uint8Array(digest.buffer as ArrayBuffer, digest.byteOffset, digest.length)
}
