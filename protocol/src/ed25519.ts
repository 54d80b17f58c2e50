import { decodeBase64url, encodeBase64url } from './encoding.ts'
import { DredError } from './errors.ts'

const P = 2n ** 255n - 19n
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const ORDER_EIGHT_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n

const SIGN_BIT = 0x80

/** y-coordinates of the points whose order divides eight; each stands for both signs of x. */
const SMALL_ORDER_Y = [0n, 1n, P - 1n, ORDER_EIGHT_Y, P - ORDER_EIGHT_Y].map(littleEndian)
const FIELD = littleEndian(P)
const GROUP = littleEndian(L)

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))
}

/** Of 32 bytes each, the lowest first. */
function isBelow(number: Uint8Array, bound: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    const difference = (number[i] ?? 0) - (bound[i] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}

function hasSmallOrder(y: Uint8Array): boolean {
  return SMALL_ORDER_Y.some((small) => small.every((byte, i) => byte === y[i]))
}

/** A point's y, without the sign of its x. */
function yOf(point: Uint8Array): Uint8Array {
  const y = point.slice(0, 32)
  y[31] = (y[31] ?? 0) & ~SIGN_BIT
  return y
}

/**
 * Whether 32 bytes can stand as a sender's key: y below the field's prime and not a point of small order, for which one
 * signature verifies many messages. Whether they are a point of the curve at all, the verification finds out.
 */
function isAcceptableKey(key: Uint8Array): boolean {
  const y = yOf(key)
  return isBelow(y, FIELD) && !hasSmallOrder(y)
}

/**
 * Whether 64 bytes are a signature whose scalar is below the group's order (RFC 8032 §5.1.7), so that nobody can vary it, and whose point
 * is not of small order, about which implementations differ.
 */
function isCanonicalSignature(signature: Uint8Array): boolean {
  return isBelow(signature.subarray(32), GROUP) && !hasSmallOrder(yOf(signature))
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
 * Whether a signature fulfils the equation without cofactor, R compared byte for byte. Key and signature are in canonical form.
 * @throws DredError `weak_key` when it can tell that the key is no point of the curve; whatever else keeps it from checking
 */
export type SignatureCheck = (
  key: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
  bytes: Uint8Array<ArrayBuffer>,
) => Promise<boolean>

/**
 * Verifies a detached signature.
 * @param key base64url, 43 characters
 * @param sig base64url, 86 characters
 * @throws DredError `weak_key` or `invalid_signature`; what the {@link SignatureCheck} throws
 */
export type VerifySignature = (key: string, sig: string, bytes: Uint8Array<ArrayBuffer>) => Promise<void>

/**
 * Makes every check the same verification: the key's y reduced and not of small order, the scalar reduced, R not of small order, and then
 * the equation.
 */
export function signatureVerifier(check: SignatureCheck): VerifySignature {
  return async (key, sig, bytes) => {
    const rawKey = decodeBase64url(key, 32)
    if (!rawKey || !isAcceptableKey(rawKey)) throw new DredError('weak_key')
    const rawSig = decodeBase64url(sig, 64)
    if (!rawSig || !isCanonicalSignature(rawSig)) {
      throw new DredError('invalid_signature', { detail: 'The signature is not in canonical form' })
    }
    if (!(await check(rawKey, rawSig, bytes))) throw new DredError('invalid_signature')
  }
}

/** By WebCrypto, whose implementations and OpenSSL agree on the equation. What it throws where it has no Ed25519, see {@link isUnsupported}. */
export const webCryptoCheck: SignatureCheck = async (key, signature, bytes) => {
  try {
    const publicKey = await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify'])
    return await crypto.subtle.verify('Ed25519', publicKey, signature, bytes)
  } catch (cause) {
    if (isUnsupported(cause)) throw cause
    throw new DredError('weak_key', { detail: 'The key is not a point of the curve', cause })
  }
}

export const verifySignature: VerifySignature = signatureVerifier(webCryptoCheck)
