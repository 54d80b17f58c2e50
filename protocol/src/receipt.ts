import { canonicalJson, decodeBase64url, type JsonValue, utf8 } from './encoding.ts'
import type { Receipt, StoredEvent } from './schemas.ts'

/** What a publisher waits for: the server that takes the message, more than half of the neighborhood's servers, all, or so many. */
export type Ack = 'accepted' | 'quorum' | 'all' | number

/** How many servers have to have stored a message for an acknowledgement, of the `servers` of the neighborhood. */
export function serversFor(ack: Ack, servers: number): number {
  if (ack === 'accepted') return 1
  if (ack === 'quorum') return Math.floor(servers / 2) + 1
  return ack === 'all' ? servers : ack
}

/** A P-256 public key: two coordinates of 32 bytes, 0x-prefixed hex, as registry and discovery give them. */
export interface ServerPublicKey {
  keyX: string
  keyY: string
}

/** Half the order of the group of P-256. */
const MAX_S = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/**
 * The bytes that a server signs (ECDSA on P-256, SHA-256) to say that messages are stored: the canonical JSON of everything but the
 * signature. They begin with `{`, with which nothing else begins that server keys sign.
 */
export function receiptBytes(statement: Omit<Receipt, 'signature'> | Omit<StoredEvent, 'signature'>): Uint8Array<ArrayBuffer> {
  const { signature: _, ...signed } = statement as Record<string, JsonValue>
  return utf8(canonicalJson(signed))
}

/**
 * Whether a key signed a receipt or a `stored` event. That the key speaks for its `signer` (of an event: `server`) in its `serverRegistry`
 * on its `chainId`, and that those are the ones you mean, is for the caller to know.
 * @param statement of its schema's shape
 * @returns false also for a key that is no point of the curve, and for a high s
 */
export async function verifyReceipt(statement: Receipt | StoredEvent, { keyX, keyY }: ServerPublicKey): Promise<boolean> {
  const signature = decodeBase64url(statement.signature, 64)
  const point = hexBytes(`04${keyX.slice(2)}${keyY.slice(2)}`)
  if (!signature || point.length !== 65 || bigEndian(signature.subarray(32)) > MAX_S) return false
  const key = await crypto.subtle.importKey('raw', point, ECDSA, false, ['verify']).catch(() => undefined)
  return key !== undefined && crypto.subtle.verify(ECDSA, key, signature, receiptBytes(statement))
}

function hexBytes(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number(`0x${digits}`))
}

function bigEndian(bytes: Uint8Array): bigint {
  return bytes.reduce((number, byte) => number * 256n + BigInt(byte), 0n)
}
