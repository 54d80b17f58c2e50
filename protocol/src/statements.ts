import {
  bytesToHex,
  concat,
  domainSeparator,
  type Hex,
  hashStruct,
  hexToBytes,
  keccak256,
  numberToHex,
  size,
  slice,
  stringToBytes,
} from 'viem'
import { DredError } from './errors.ts'

/** Order of the group of P-256. */
const CURVE_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

const serverKeyTypes = {
  ServerKey: [
    { name: 'neighborhood', type: 'uint32' },
    { name: 'operator', type: 'address' },
    { name: 'keyX', type: 'bytes32' },
    { name: 'keyY', type: 'bytes32' },
    { name: 'endpointHash', type: 'bytes32' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const

/** Which registry a statement is meant for; it counts at no other. */
export interface RegistryDomain {
  chainId: number
  /** Address of the `ServerRegistry`. */
  serverRegistry: Hex
}

/** What a server key signs to show that its holder wants it registered, by this operator, at this endpoint. */
export interface ServerKeyStatement {
  /** Id of the neighborhood in its registry. */
  neighborhood: number
  /** Account that will send the registration. */
  operator: Hex
  /** 32-byte coordinates of the P-256 key. */
  keyX: Hex
  keyY: Hex
  /** Exactly as it will be registered. */
  endpoint: string
  /** Last Unix time in seconds at which the statement counts. */
  deadline: bigint
}

/** An ECDSA signature as contracts take it: two 32-byte words, `s` in the lower half of the curve's order. */
export interface SignatureWords {
  r: Hex
  s: Hex
}

/**
 * The bytes that a server key signs with ECDSA and SHA-256 at registration: the EIP-712 preimage
 * `0x1901 ‖ domainSeparator ‖ structHash`, 66 bytes. Give them to the signing call as they are: it hashes them itself.
 */
export function serverKeyStatement({ chainId, serverRegistry }: RegistryDomain, statement: ServerKeyStatement): Uint8Array<ArrayBuffer> {
  const domain = { name: 'Dred ServerRegistry', version: '1', chainId, verifyingContract: serverRegistry }
  const { endpoint, ...fields } = statement
  const data = { ...fields, endpointHash: endpointHash(endpoint) }
  const structHash = hashStruct({ data, primaryType: 'ServerKey', types: serverKeyTypes })
  return new Uint8Array(hexToBytes(concat(['0x1901', domainSeparator({ domain }), structHash])))
}

/** What registries and statements hold of an endpoint. */
export function endpointHash(endpoint: string): Hex {
  return keccak256(stringToBytes(endpoint))
}

/**
 * The 20-byte id of a server key: the last 20 bytes of keccak256(x ‖ y), lowercase hex.
 * @param keyX 32 bytes; `keyY` likewise
 */
export function serverKeyId(keyX: Hex, keyY: Hex): Hex {
  return slice(keccak256(concat([keyX, keyY])), 12)
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
