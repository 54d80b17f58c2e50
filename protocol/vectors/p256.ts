// ECDSA on P-256 whose signatures depend on key and message alone (RFC 6979), as vectors need it; WebCrypto's differ every time.
import { createECDH, createHash, createHmac } from 'node:crypto'
import { bytesToHex, type Hex, hexToBigInt, numberToBytes, numberToHex } from 'viem'
import { type KeyWords, serverKeyId, type SignatureWords } from '../src/statements/index.ts'

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

export interface VectorKey extends KeyWords {
  name: string
  privateKey: Hex
  keyId: Hex
}

/** The key whose private scalar is the SHA-256 of a name. */
export function keyOf(name: string): VectorKey {
  const privateKey = createHash('sha256').update(name).digest()
  const [keyX, keyY] = multiply(privateKey)
  return { name, privateKey: bytesToHex(privateKey), keyX, keyY, keyId: serverKeyId(keyX, keyY) }
}

/** ECDSA with SHA-256, nonce by RFC 6979, low s. */
export function sign({ privateKey }: Pick<VectorKey, 'privateKey'>, message: Uint8Array): SignatureWords {
  const d = hexToBigInt(privateKey)
  const digest = hexToBigInt(bytesToHex(createHash('sha256').update(message).digest()))
  const k = nonce(d, digest % ORDER)
  const r = hexToBigInt(multiply(numberToBytes(k, { size: 32 }))[0]) % ORDER
  const s = (power(k, ORDER - 2n) * (digest + r * d)) % ORDER
  return { r: numberToHex(r, { size: 32 }), s: numberToHex(s > ORDER / 2n ? ORDER - s : s, { size: 32 }) }
}

/** The other signature that the curve's equation takes. */
export function highS({ r, s }: SignatureWords): SignatureWords {
  return { r, s: numberToHex(ORDER - hexToBigInt(s), { size: 32 }) }
}

/** The point scalar · G. */
function multiply(scalar: Uint8Array): [x: Hex, y: Hex] {
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(scalar)
  const point = ecdh.getPublicKey()
  return [bytesToHex(point.subarray(1, 33)), bytesToHex(point.subarray(33))]
}

/** RFC 6979, section 3.2, for SHA-256 and an order of 256 bits. */
function nonce(d: bigint, digest: bigint): bigint {
  const hmac = (key: Uint8Array, ...parts: Uint8Array[]) => createHmac('sha256', key).update(Buffer.concat(parts)).digest()
  const seed = [numberToBytes(d, { size: 32 }), numberToBytes(digest, { size: 32 })]
  let value: Uint8Array = Buffer.alloc(32, 1)
  let key: Uint8Array = hmac(Buffer.alloc(32), value, Buffer.of(0), ...seed)
  value = hmac(key, value)
  key = hmac(key, value, Buffer.of(1), ...seed)
  value = hmac(key, value)
  for (;;) {
    value = hmac(key, value)
    const k = hexToBigInt(bytesToHex(value))
    if (k > 0n && k < ORDER) return k
    key = hmac(key, value, Buffer.of(0))
    value = hmac(key, value)
  }
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let b = base % ORDER, e = exponent; e > 0n; b = (b * b) % ORDER, e >>= 1n) if (e & 1n) result = (result * b) % ORDER
  return result
}
