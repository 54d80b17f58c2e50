import { hash } from 'node:crypto'
import { hashInJavaScript, hashWith } from '@dred/protocol'

/** Up to here a call into OpenSSL costs more than it saves. */
const FEW_BYTES = 128

/** Lets everything in this process hash with OpenSSL. */
export function hashNatively(): void {
  hashWith(nativeSha256)
}

export function nativeSha256(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const [first] = parts
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  if (!first || length <= FEW_BYTES) return hashInJavaScript(...parts)
  const digest = hash('sha256', parts.length === 1 ? first : Buffer.concat(parts, length), 'buffer')
  return new Uint8Array(digest.buffer as ArrayBuffer, digest.byteOffset, digest.length)
}
