import { bytesToHex, concat, hexToBytes, numberToHex, size } from 'viem'
import { DredError } from '../errors.ts'
import type { KeyWords, SignatureWords, StatementSigner } from './types.ts'

/** Order of the group of P-256. */
const CURVE_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/**
 * Signs a statement.
 * @param statement the preimage that a builder returned
 * @returns the signature with low s, whichever the signer gave
 * @throws DredError `invalid_signature` when the signer returns anything but 64 bytes; whatever the signer throws
 */
export async function signStatement(key: StatementSigner, statement: Uint8Array<ArrayBuffer>): Promise<SignatureWords> {
  return signatureWords(await key.sign(statement))
}

/**
 * Whether a key signed a statement, judged as the contracts judge it: a high s, a coordinate that is not of a point of the
 * curve and words of another length are refused.
 * @param statement the preimage that a builder returned
 */
export async function verifyStatement(key: KeyWords, statement: Uint8Array<ArrayBuffer>, signature: SignatureWords): Promise<boolean> {
  const words = [key.keyX, key.keyY, signature.r, signature.s]
  if (!words.every((word) => /^0x[0-9a-fA-F]{64}$/.test(word))) return false
  const raw = signatureBytes(signature)
  if (!isLowS(raw)) return false
  const point = new Uint8Array(hexToBytes(concat(['0x04', key.keyX, key.keyY])))
  const publicKey = await crypto.subtle.importKey('raw', point, ECDSA, false, ['verify']).catch(() => undefined)
  return publicKey !== undefined && crypto.subtle.verify(ECDSA, publicKey, raw, statement)
}

/**
 * Whether 64 bytes r ‖ s are a signature whose s is in the lower half of the curve's order, so that nobody can vary it.
 */
export function isLowS(signature: Uint8Array): boolean {
  return signature.length === 64 && BigInt(bytesToHex(signature.subarray(32))) <= CURVE_ORDER / 2n
}

/**
 * Brings a raw ECDSA signature into the only form that Dred takes.
 * @param signature r ‖ s, 64 bytes, as WebCrypto and IEEE P1363 give it
 * @throws DredError `invalid_signature` for another length
 */
export function toLowS(signature: Uint8Array): Uint8Array<ArrayBuffer> {
  const { r, s } = signatureWords(signature)
  return signatureBytes({ r, s })
}

/**
 * The words of a raw signature, with low s.
 * @param signature r ‖ s, 64 bytes
 * @throws DredError `invalid_signature` for another length
 */
export function signatureWords(signature: Uint8Array): SignatureWords {
  if (signature.length !== 64) throw new DredError('invalid_signature', { detail: 'A P-256 signature has 64 bytes, r and s' })
  const s = BigInt(bytesToHex(signature.subarray(32)))
  return {
    r: bytesToHex(signature.subarray(0, 32)),
    s: numberToHex(s > CURVE_ORDER / 2n ? CURVE_ORDER - s : s, { size: 32 }),
  }
}

/**
 * The inverse of {@link signatureWords}: r ‖ s, 64 bytes.
 * @throws DredError `invalid_signature` when a word does not have 32 bytes
 */
export function signatureBytes({ r, s }: SignatureWords): Uint8Array<ArrayBuffer> {
  if (size(r) !== 32 || size(s) !== 32) throw new DredError('invalid_signature', { detail: 'r and s have 32 bytes each' })
  return new Uint8Array(hexToBytes(concat([r, s])))
}
