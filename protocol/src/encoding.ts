import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import serialize from 'canonicalize'
import { DredError } from './errors.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
/** The value of a character by its code; 64 for those that are no digit. */
const VALUES = new Uint8Array(128).fill(64)
for (let value = 0; value < 64; value++) VALUES[ALPHABET.charCodeAt(value)] = value

/** A JSON value (RFC 8259) as `JSON.parse` gives it. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue }

const encoder = new TextEncoder()

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text)
}

/** SHA-256 of bytes that follow each other, 32 bytes. Text stands for its UTF-8. */
export type Sha256 = (...parts: readonly (Uint8Array | string)[]) => Uint8Array<ArrayBuffer>

let hash: Sha256 = hashInJavaScript

export function sha256(...parts: readonly (Uint8Array | string)[]): Uint8Array<ArrayBuffer> {
  return hash(...parts)
}

/** Lets a program that has a faster SHA-256 than JavaScript's use it. What comes out is the same. */
export function hashWith(faster: Sha256): void {
  hash = faster
}

export function hashInJavaScript(...parts: readonly (Uint8Array | string)[]): Uint8Array<ArrayBuffer> {
  const hash = nobleSha256.create()
  for (const part of parts) hash.update(typeof part === 'string' ? utf8(part) : part)
  const digest = new Uint8Array(32)
  hash.digestInto(digest)
  return digest
}

/** Base64url without padding (RFC 4648 §5). */
export function encodeBase64url(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const word = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    for (let shift = 18; shift >= 0; shift -= 6) text += ALPHABET.charAt((word >> shift) & 63)
  }
  return text.slice(0, Math.ceil((bytes.length * 4) / 3))
}

/**
 * The inverse of {@link encodeBase64url}, strict: no padding, no other characters, unused bits zero, so every byte string has
 * exactly one text.
 * @returns undefined for any other text, or when `length` (bytes) is given and differs.
 */
export function decodeBase64url(text: string, length?: number): Uint8Array<ArrayBuffer> | undefined {
  const size = Math.floor((text.length * 3) / 4)
  if (text.length % 4 === 1 || (length !== undefined && size !== length)) return undefined
  const bytes = new Uint8Array(size)
  let word = 0
  let bits = 0
  let at = 0
  for (let i = 0; i < text.length; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? 64
    if (value === 64) return undefined
    word = ((word << 6) | value) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (word >> bits) & 0xff
    }
  }
  return (word & ((1 << bits) - 1)) === 0 ? bytes : undefined
}

/**
 * Deepest nesting of a JSON value that Dred carries, so that no implementation runs out of stack on one. A message's value is
 * level 1, its members and items are level 2, and so on.
 */
export const MAX_JSON_DEPTH = 64

function assertCarryable(value: JsonValue, depth: number): void {
  if (depth > MAX_JSON_DEPTH) throw new DredError('malformed_message', { detail: `JSON is nested deeper than ${MAX_JSON_DEPTH} levels` })
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new DredError('malformed_message', { detail: 'A number is outside the range of an IEEE 754 double' })
  }
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw new DredError('malformed_message', { detail: 'A string contains a lone surrogate' })
  }
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) {
    if (!name.isWellFormed()) throw new DredError('malformed_message', { detail: 'A name contains a lone surrogate' })
    assertCarryable(member, depth + 1)
  }
}

/**
 * The RFC 8785 canonical JSON of a value.
 * @throws DredError `malformed_message` for what has no canonical form (lone surrogates, infinite numbers, undefined) or is
 *   nested deeper than {@link MAX_JSON_DEPTH}.
 */
export function canonicalJson(value: JsonValue): string {
  assertCarryable(value, 0)
  const text = serialize(value)
  if (text === undefined) throw new DredError('malformed_message', { detail: 'The value is not JSON' })
  return text
}
