import { canonicalJson, decodeBase64url, encodeBase64url, type JsonValue, sha256, utf8 } from './encoding.ts'
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

/** What is hashed to a leaf of a tree of receipts begins with this byte, and what is hashed to a node above with the next. */
const LEAF = '\0'
const NODE = Uint8Array.of(1)

type UnsignedReceipt = Omit<Receipt, 'signature' | 'path'>

/**
 * The bytes that a server signs (ECDSA on P-256, SHA-256) to say that messages are stored: of an event the canonical JSON of everything but
 * the signature, of a receipt that is alone the root of its tree. They begin with `{`, with which nothing else begins that server keys sign.
 */
export function receiptBytes(statement: UnsignedReceipt | Omit<StoredEvent, 'signature'>): Uint8Array<ArrayBuffer> {
  return statement.type === 'receipt' ? rootBytes(leafOf(statement)) : canonicalBytes(statement)
}

/**
 * One signature for many receipts.
 * @param receipts at least one, at most two to the power of `limits.receiptPath`
 * @returns the bytes to sign, and each receipt's `path` from its leaf to the root of the tree
 */
export function receiptTree(receipts: readonly UnsignedReceipt[]): { bytes: Uint8Array<ArrayBuffer>; paths: string[][] } {
  const paths: string[][] = receipts.map(() => [])
  let level = receipts.map(leafOf)
  for (let height = 0; level.length > 1; height++) {
    const texts = level.map(encodeBase64url)
    for (const [i, path] of paths.entries()) {
      const beside = texts[(i >> height) ^ 1]
      if (beside !== undefined) path.push(beside)
    }
    const below = level
    level = below.flatMap((left, i) => {
      if (i % 2 === 1) return []
      const right = below[i + 1]
      return [right ? nodeOf(left, right) : left]
    })
  }
  const [root] = level
  if (!root) throw new RangeError('There are no receipts')
  return { bytes: rootBytes(root), paths }
}

/** Of the canonical JSON: these are its names, in its order, and no value is written otherwise there. */
function leafOf(receipt: UnsignedReceipt): Uint8Array {
  const { acceptedAt, chainId, channel, id, incarnation, n, server, serverRegistry, servers, signedAt, signer, stored, type, v } = receipt
  const ordered = { acceptedAt, chainId, channel, id, incarnation, n, server, serverRegistry, servers, signedAt, signer, stored, type, v }
  return sha256(LEAF + JSON.stringify(ordered))
}

/** The lower one first, so that a path need not say on which side it is. */
function nodeOf(one: Uint8Array, other: Uint8Array): Uint8Array {
  const differs = one.findIndex((byte, i) => byte !== other[i])
  return (one[differs] ?? 0) < (other[differs] ?? 0) ? sha256(NODE, one, other) : sha256(NODE, other, one)
}

function rootBytes(root: Uint8Array): Uint8Array<ArrayBuffer> {
  return utf8(`{"root":"${encodeBase64url(root)}","type":"receipts","v":1}`)
}

function canonicalBytes(statement: object): Uint8Array<ArrayBuffer> {
  const { signature: _, ...signed } = statement as Record<string, JsonValue>
  return utf8(canonicalJson(signed))
}

/** @returns undefined for what nobody can have signed: it has no canonical form, or the path is none */
function signedBytes(statement: Receipt | StoredEvent): Uint8Array<ArrayBuffer> | undefined {
  try {
    return bytesOf(statement)
  } catch {
    return undefined
  }
}

/** @throws DredError `malformed_message` without canonical form */
function bytesOf(statement: Receipt | StoredEvent): Uint8Array<ArrayBuffer> | undefined {
  if (statement.type !== 'receipt') return canonicalBytes(statement)
  // Another server may say more.
  const { path = [], ...fields } = statement
  let node: Uint8Array = sha256(LEAF, canonicalBytes(fields))
  for (const text of path) {
    const hash = decodeBase64url(text, 32)
    if (!hash) return undefined
    node = nodeOf(node, hash)
  }
  return rootBytes(node)
}

/**
 * Whether a key signed a receipt or a `stored` event. That the key speaks for its `signer` (of an event: `server`) in its `serverRegistry`
 * on its `chainId`, and that those are the ones you mean, is for the caller to know.
 * @param statement of its schema's shape
 * @returns false also for a key that is no point of the curve, and for a high s
 */
export async function verifyReceipt(statement: Receipt | StoredEvent, { keyX, keyY }: ServerPublicKey): Promise<boolean> {
  const bytes = signedBytes(statement)
  const signature = decodeBase64url(statement.signature, 64)
  const point = hexBytes(`04${keyX.slice(2)}${keyY.slice(2)}`)
  if (!bytes || !signature || point.length !== 65 || bigEndian(signature.subarray(32)) > MAX_S) return false
  const key = await crypto.subtle.importKey('raw', point, ECDSA, false, ['verify']).catch(() => undefined)
  return key !== undefined && crypto.subtle.verify(ECDSA, key, signature, bytes)
}

function hexBytes(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number(`0x${digits}`))
}

function bigEndian(bytes: Uint8Array): bigint {
  return bytes.reduce((number, byte) => number * 256n + BigInt(byte), 0n)
}
