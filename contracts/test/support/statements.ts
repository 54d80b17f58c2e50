import { type Address, bytesToHex, concat, domainSeparator, type Hex, hashStruct, hexToBytes, keccak256, numberToHex, slice } from 'viem'

const CURVE_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

// Written out apart from the SDK's and the contracts' own, so that each checks the other.
const types = {
  ServerKey: [
    { name: 'neighborhood', type: 'uint32' },
    { name: 'operator', type: 'address' },
    { name: 'keyX', type: 'bytes32' },
    { name: 'keyY', type: 'bytes32' },
    { name: 'endpointHash', type: 'bytes32' },
    { name: 'deadline', type: 'uint256' },
  ],
  KeyRotation: [
    { name: 'server', type: 'uint32' },
    { name: 'operator', type: 'address' },
    { name: 'keyX', type: 'bytes32' },
    { name: 'keyY', type: 'bytes32' },
    { name: 'deadline', type: 'uint256' },
  ],
  RelayHead: [
    { name: 'server', type: 'uint32' },
    { name: 'incarnation', type: 'uint64' },
    { name: 'n', type: 'uint64' },
    { name: 'head', type: 'bytes32' },
  ],
  Attestation: [
    { name: 'neighborhood', type: 'uint32' },
    { name: 'server', type: 'uint32' },
    { name: 'attester', type: 'uint32' },
    { name: 'round', type: 'uint32' },
    { name: 'endpointHash', type: 'bytes32' },
    { name: 'spkiHash', type: 'bytes32' },
    { name: 'validUntil', type: 'uint40' },
    { name: 'reportHash', type: 'bytes32' },
  ],
} as const

type Statement =
  | {
      primaryType: 'ServerKey'
      message: { neighborhood: number; operator: Address; keyX: Hex; keyY: Hex; endpointHash: Hex; deadline: bigint }
    }
  | { primaryType: 'KeyRotation'; message: { server: number; operator: Address; keyX: Hex; keyY: Hex; deadline: bigint } }
  | { primaryType: 'RelayHead'; message: { server: number; incarnation: bigint; n: bigint; head: Hex } }
  | { primaryType: 'Attestation'; message: Finding & { attester: number } }

/** What attesters agree on about a server. */
export type Finding = Readonly<{
  neighborhood: number
  server: number
  round: number
  endpointHash: Hex
  spkiHash: Hex
  validUntil: number
  reportHash: Hex
}>
export type Signature = { r: Hex; s: Hex }
export type ServerKey = { privateKey: CryptoKey; keyX: Hex; keyY: Hex; keyId: Address }

/** What a key signs: the EIP-712 preimage, which WebCrypto hashes by SHA-256. */
export function preimageOf(registry: { chainId: number; address: Address }, { primaryType, message }: Statement): Hex {
  const name = primaryType === 'Attestation' ? 'Dred ComplianceRegistry' : 'Dred ServerRegistry'
  const domain = { name, version: '1', chainId: registry.chainId, verifyingContract: registry.address }
  return concat(['0x1901', domainSeparator({ domain }), hashStruct({ data: message, primaryType, types })])
}

export async function createKey(): Promise<ServerKey> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
  const point = bytesToHex(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)))
  const [keyX, keyY] = [slice(point, 1, 33), slice(point, 33, 65)]
  return { privateKey: pair.privateKey, keyX, keyY, keyId: slice(keccak256(concat([keyX, keyY])), 12) }
}

/** Signs with a low `s`, which is what the registries take. */
export async function signLowS(privateKey: CryptoKey, preimage: Hex): Promise<Signature> {
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const signature = bytesToHex(new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, new Uint8Array(hexToBytes(preimage)))))
  const s = BigInt(slice(signature, 32, 64))
  return { r: slice(signature, 0, 32), s: numberToHex(s > CURVE_ORDER / 2n ? CURVE_ORDER - s : s, { size: 32 }) }
}

/** Two statements of one key about one position, which prove that its server told two histories, as `slashRelay` takes them. */
export async function equivocationOf(registry: { chainId: number; address: Address }, server: number, key: ServerKey) {
  const { privateKey, keyX, keyY } = key
  const sign = async (head: Hex) => {
    const message = { server, incarnation: 1n, n: 1n, head }
    return [message, { keyX, keyY, ...(await signLowS(privateKey, preimageOf(registry, { primaryType: 'RelayHead', message }))) }] as const
  }
  const [[first, firstSignature], [second, secondSignature]] = await Promise.all([sign(keccak256('0x01')), sign(keccak256('0x02'))])
  return [first, firstSignature, second, secondSignature, { ancestor: second.head, ids: [] }] as const
}
