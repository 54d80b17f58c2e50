import { concat, domainSeparator, type Hex, hashStruct, hexToBytes, keccak256, slice, stringToBytes } from 'viem'
import type {
  AttestationStatement,
  ChannelHeadStatement,
  ComplianceDomain,
  EndpointProofStatement,
  KeyRotationStatement,
  RegistryDomain,
  RelayHeadStatement,
  ServerKeyStatement,
} from './types.ts'

const field = (name: string, type: string) => ({ name, type })

const types = {
  ServerKey: [
    field('neighborhood', 'uint32'),
    field('operator', 'address'),
    field('keyX', 'bytes32'),
    field('keyY', 'bytes32'),
    field('endpointHash', 'bytes32'),
    field('deadline', 'uint256'),
  ],
  KeyRotation: [
    field('server', 'uint32'),
    field('operator', 'address'),
    field('keyX', 'bytes32'),
    field('keyY', 'bytes32'),
    field('deadline', 'uint256'),
  ],
  RelayHead: [field('server', 'uint32'), field('incarnation', 'uint64'), field('n', 'uint64'), field('head', 'bytes32')],
  ChannelHead: [
    field('server', 'uint32'),
    field('channel', 'bytes32'),
    field('epoch', 'uint64'),
    field('term', 'uint64'),
    field('seq', 'uint64'),
    field('head', 'bytes32'),
  ],
  EndpointProof: [field('server', 'uint32'), field('endpointHash', 'bytes32'), field('nonce', 'bytes32')],
  Attestation: [
    field('neighborhood', 'uint32'),
    field('server', 'uint32'),
    field('attester', 'uint32'),
    field('round', 'uint32'),
    field('endpointHash', 'bytes32'),
    field('spkiHash', 'bytes32'),
    field('validUntil', 'uint40'),
    field('reportHash', 'bytes32'),
  ],
}

/** What is signed: 0x1901 ‖ domain separator ‖ struct hash, 66 bytes. Signing hashes it with SHA-256; nobody else does. */
type Preimage = Uint8Array<ArrayBuffer>

/**
 * The bytes that a server key signs at registration: the EIP-712 preimage `0x1901 ‖ domainSeparator ‖ structHash`, 66 bytes.
 * Give them to the signing call as they are: it hashes them itself.
 * @throws viem's error when a field does not fit its type, as from every function here
 */
export function serverKeyStatement(domain: RegistryDomain, statement: ServerKeyStatement): Preimage {
  return preimage(ofServers(domain), 'ServerKey', withEndpointHash(statement))
}

/** The bytes that a server's next key signs at a rotation; see {@link serverKeyStatement}. */
export function keyRotationStatement(domain: RegistryDomain, statement: KeyRotationStatement): Preimage {
  return preimage(ofServers(domain), 'KeyRotation', { ...statement })
}

/** The bytes that a server signs about its history; see {@link serverKeyStatement}. */
export function relayHeadStatement(domain: RegistryDomain, statement: RelayHeadStatement): Preimage {
  return preimage(ofServers(domain), 'RelayHead', { ...statement })
}

/** The bytes that a leader signs about a channel's order; see {@link serverKeyStatement}. */
export function channelHeadStatement(domain: RegistryDomain, statement: ChannelHeadStatement): Preimage {
  return preimage(ofServers(domain), 'ChannelHead', { ...statement })
}

/** The bytes that a server signs to prove that it answers at its endpoint; see {@link serverKeyStatement}. */
export function endpointProofStatement(domain: RegistryDomain, statement: EndpointProofStatement): Preimage {
  return preimage(ofServers(domain), 'EndpointProof', withEndpointHash(statement))
}

/** The bytes that an attester signs about a server; see {@link serverKeyStatement}. */
export function attestationStatement({ chainId, complianceRegistry }: ComplianceDomain, statement: AttestationStatement): Preimage {
  const domain = { name: 'Dred ComplianceRegistry', version: '1', chainId, verifyingContract: complianceRegistry }
  return preimage(domain, 'Attestation', withEndpointHash(statement))
}

/** What registries and statements hold of an endpoint: keccak256 of its UTF-8 bytes. */
export function endpointHash(endpoint: string): Hex {
  return keccak256(stringToBytes(endpoint))
}

/**
 * The 20-byte id of a P-256 key: the last 20 bytes of keccak256(x ‖ y), lowercase hex.
 * @param keyX 32 bytes; `keyY` likewise
 */
export function serverKeyId(keyX: Hex, keyY: Hex): Hex {
  return slice(keccak256(concat([keyX, keyY])), 12)
}

function ofServers({ chainId, serverRegistry }: RegistryDomain): Domain {
  return { name: 'Dred ServerRegistry', version: '1', chainId, verifyingContract: serverRegistry }
}

type Domain = { name: string; version: string; chainId: number; verifyingContract: Hex }

function withEndpointHash<T extends { endpoint: string }>({ endpoint, ...fields }: T): Record<string, unknown> {
  return { ...fields, endpointHash: endpointHash(endpoint) }
}

function preimage(domain: Domain, primaryType: keyof typeof types, data: Record<string, unknown>): Preimage {
  const structHash = hashStruct({ data, primaryType, types })
  return new Uint8Array(hexToBytes(concat(['0x1901', separatorOf(domain), structHash])))
}

/** A program has to do with one or two domains, and with many statements. */
const separators = new Map<string, Hex>()
const SEPARATORS_KEPT = 64

function separatorOf(domain: Domain): Hex {
  const name = Object.values(domain).join()
  const separator = separators.get(name) ?? domainSeparator({ domain })
  if (separators.size >= SEPARATORS_KEPT) separators.clear()
  separators.set(name, separator)
  return separator
}
