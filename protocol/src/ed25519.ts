import { decodeBase64url, encodeBase64url } from './encoding.ts'
import { DredError } from './errors.ts'

const P = 2n ** 255n - 19n
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const ORDER_EIGHT_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n

/** y-coordinates of the points whose order divides eight; each stands for both signs of x. */
const SMALL_ORDER_Y = new Set([0n, 1n, P - 1n, ORDER_EIGHT_Y, P - ORDER_EIGHT_Y])

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

/**
 * Whether 32 bytes can stand as a sender's key: y below the field's prime and not a point of small order, for which one
 * signature verifies many messages. Whether they are a point of the curve at all, the verification finds out.
 */
function isAcceptableKey(key: Uint8Array): boolean {
  if (key.length !== 32) return false
  const y = littleEndian(key) & (2n ** 255n - 1n)
  return y < P && !SMALL_ORDER_Y.has(y)
}

/** Whether 64 bytes are a signature whose scalar is below the group's order (RFC 8032 §5.1.7), so that nobody can vary it. */
function isCanonicalSignature(signature: Uint8Array): boolean {
  return signature.length === 64 && littleEndian(signature.subarray(32)) < L
}

/** Signs with a device key that may never leave its holder (a non-extractable WebCrypto key, say). */
export interface Signer {
  /** Ed25519 public key, base64url, 43 characters. */
  readonly key: string
  /** @returns the 64-byte signature of `bytes`. */
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>
}

/** A signer over a WebCrypto Ed25519 key pair; the private key need not be extractable. */
export async function webCryptoSigner(pair: CryptoKeyPair): Promise<Signer> {
  const key = encodeBase64url(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)))
  return {
    key,
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, bytes)),
  }
}

/** A new device key. */
export async function generateDeviceKey(options: { extractable: boolean }): Promise<CryptoKeyPair> {
  return (await crypto.subtle.generateKey('Ed25519', options.extractable, ['sign', 'verify'])) as CryptoKeyPair
}

/** Whether an error says that WebCrypto has no Ed25519 here, or that there is no WebCrypto at all (pages without https). */
export function isUnsupported(error: unknown): boolean {
  return (error instanceof Error && error.name === 'NotSupportedError') || (error instanceof TypeError && !globalThis.crypto?.subtle)
}

/**
 * Verifies a detached signature the same way everywhere: the key's y reduced and not of small order, the scalar reduced, and then the equation without cofactor, R compared byte for byte (what WebCrypto's
 * implementations and OpenSSL do).
 * @param key base64url, 43 characters
 * @param sig base64url, 86 characters
 * @throws DredError `weak_key` or `invalid_signature`; what WebCrypto throws where it has no Ed25519, see {@link isUnsupported}
 */
export async function verifySignature(key: string, sig: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const rawKey = decodeBase64url(key, 32)
  if (!rawKey || !isAcceptableKey(rawKey)) throw new DredError('weak_key')
  const rawSig = decodeBase64url(sig, 64)
  if (!rawSig || !isCanonicalSignature(rawSig))
    throw new DredError('invalid_signature', { detail: 'The signature is not in canonical form' })
  let valid: boolean
  try {
    const publicKey = await crypto.subtle.importKey('raw', rawKey, 'Ed25519', false, ['verify'])
    valid = await crypto.subtle.verify('Ed25519', publicKey, rawSig, bytes)
  } catch (cause) {
    if (isUnsupported(cause)) throw cause
    throw new DredError('weak_key', { detail: 'The key is not a point of the curve', cause })
  }
  if (!valid) throw new DredError('invalid_signature')
}
