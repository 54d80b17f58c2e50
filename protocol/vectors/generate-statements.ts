// Writes the test vectors of what P-256 keys sign: `node protocol/vectors/generate-statements.ts`. Fixed keys and deterministic
// signatures: the output is the same on every run, and a test holds it against the committed file. The contracts' tests read it too.
import { writeFileSync } from 'node:fs'
import { type Address, getContractAddress, type Hex, keccak256, sha256, slice, stringToBytes, toHex, zeroHash } from 'viem'
import {
  attestationStatement,
  type AttestationStatement,
  channelHeadStatement,
  type ChannelHeadStatement,
  emptyHead,
  endpointProofStatement,
  keyRotationStatement,
  nextHead,
  relayHeadStatement,
  type RelayHeadStatement,
  serverKeyStatement,
} from '../src/statements/index.ts'
import { highS, keyOf, sign } from './p256.ts'

const MAX = { uint32: 2 ** 32 - 1, uint40: 2 ** 40 - 1, uint64: 2n ** 64n - 1n, uint256: 2n ** 256n - 1n } as const
const ENDPOINT = 'https://relay.example:8443'
const OPERATOR: Address = '0x00000000000000000000000000000000000a11ce'

// Where a test has to deploy: NeighborhoodRegistry and ServerRegistry are the first two contracts of this account.
const deployer: Address = '0x000000000000000000000000000000000000c1e0'
const at = (from: Address, nonce: bigint) => getContractAddress({ from, nonce }).toLowerCase() as Address
const serverRegistry = at(deployer, 1n)
const domain = { chainId: 84_532, serverRegistry, complianceRegistry: at(serverRegistry, 1n) }
const elsewhere = { ...domain, serverRegistry: at(deployer, 2n), complianceRegistry: serverRegistry }
const otherChain = { ...domain, chainId: 1 }

const keys = { server: keyOf('server'), next: keyOf('next'), attester: keyOf('attester'), stranger: keyOf('stranger') }
const coordinates = ({ keyX, keyY }: { keyX: Hex; keyY: Hex }) => ({ keyX, keyY })
const hashOf = (text: string) => sha256(stringToBytes(text))
const signed = (key: keyof typeof keys, preimage: Uint8Array) => ({ ...coordinates(keys[key]), ...sign(keys[key], preimage) })

const builders = {
  ServerKey: serverKeyStatement,
  KeyRotation: keyRotationStatement,
  RelayHead: relayHeadStatement,
  ChannelHead: channelHeadStatement,
  EndpointProof: endpointProofStatement,
  Attestation: attestationStatement,
}
type Statements = { [T in keyof typeof builders]: Parameters<(typeof builders)[T]>[1] }

const typeStrings = {
  ServerKey: 'ServerKey(uint32 neighborhood,address operator,bytes32 keyX,bytes32 keyY,bytes32 endpointHash,uint256 deadline)',
  KeyRotation: 'KeyRotation(uint32 server,address operator,bytes32 keyX,bytes32 keyY,uint256 deadline)',
  RelayHead: 'RelayHead(uint32 server,uint64 incarnation,uint64 n,bytes32 head)',
  ChannelHead: 'ChannelHead(uint32 server,bytes32 channel,uint64 epoch,uint64 term,uint64 seq,bytes32 head)',
  EndpointProof: 'EndpointProof(uint32 server,bytes32 endpointHash,bytes32 nonce)',
  Attestation:
    'Attestation(uint32 neighborhood,uint32 server,uint32 attester,uint32 round,bytes32 endpointHash,bytes32 spkiHash,uint40 validUntil,bytes32 reportHash)',
} as const

/** Histories as `ids` and the head after each; `fork` leaves `honest` after its second message. */
const historyOf = (name: string, ids: Hex[]) => {
  let head = emptyHead
  return { name, ids, heads: [head, ...ids.map((id) => (head = nextHead(head, id)))] }
}
const ids = ['a', 'b', 'c', 'd', 'e'].map((name) => hashOf(`message ${name}`))
const honest = historyOf('honest', ids)
const fork = historyOf('fork', [...ids.slice(0, 2), ...['x', 'y', 'z'].map((name) => hashOf(`message ${name}`))])
const headOf = ({ heads }: { heads: Hex[] }, n: bigint): Hex => heads[Number(n)] ?? zeroHash

const relayHead = (history: typeof honest, n: bigint): RelayHeadStatement => ({
  server: 1,
  incarnation: 1_246_420_826_000n,
  n,
  head: headOf(history, n),
})
const channelHead = (history: typeof honest, seq: bigint): ChannelHeadStatement => ({
  server: 1,
  channel: hashOf('channel'),
  epoch: 4n,
  term: 9n,
  seq,
  head: headOf(history, seq),
})
const attestation: AttestationStatement = {
  neighborhood: 1,
  server: 1,
  attester: 1,
  round: 1,
  endpoint: ENDPOINT,
  spkiHash: hashOf('certificate'),
  validUntil: 1_800_604_800,
  reportHash: hashOf('report'),
}
const deadline = 1_800_003_600n

const usual: Statements = {
  ServerKey: { neighborhood: 1, operator: OPERATOR, ...coordinates(keys.server), endpoint: ENDPOINT, deadline },
  KeyRotation: { server: 1, operator: OPERATOR, ...coordinates(keys.next), deadline },
  RelayHead: relayHead(honest, 5n),
  ChannelHead: channelHead(honest, 5n),
  EndpointProof: { server: 1, endpoint: ENDPOINT, nonce: hashOf('nonce') },
  Attestation: attestation,
}
const greatest: Statements = {
  ServerKey: { ...usual.ServerKey, neighborhood: MAX.uint32, endpoint: 'http://127.0.0.1:8001', deadline: MAX.uint256 },
  KeyRotation: { ...usual.KeyRotation, server: MAX.uint32, deadline: MAX.uint256 },
  RelayHead: { server: MAX.uint32, incarnation: MAX.uint64, n: MAX.uint64, head: headOf(fork, 5n) },
  ChannelHead: { ...usual.ChannelHead, server: MAX.uint32, epoch: MAX.uint64, term: MAX.uint64, seq: MAX.uint64 },
  EndpointProof: { server: MAX.uint32, endpoint: 'http://localhost', nonce: `0x${'ff'.repeat(32)}` },
  Attestation: {
    ...attestation,
    neighborhood: MAX.uint32,
    server: MAX.uint32,
    attester: MAX.uint32,
    round: MAX.uint32,
    validUntil: MAX.uint40,
    spkiHash: zeroHash,
  },
}
const signers: { [T in keyof Statements]: keyof typeof keys } = {
  ServerKey: 'server',
  KeyRotation: 'next',
  RelayHead: 'server',
  ChannelHead: 'server',
  EndpointProof: 'server',
  Attestation: 'attester',
}
const names = Object.keys(builders) as (keyof Statements)[]

function build(type: keyof Statements, statements: Statements, where = domain): Uint8Array<ArrayBuffer> {
  const builder = builders[type] as (domain: object, statement: object) => Uint8Array<ArrayBuffer>
  return builder(where, statements[type])
}

function vector(name: string, type: keyof Statements, statements: Statements) {
  const preimage = build(type, statements)
  const [domainSeparator, structHash] = [slice(toHex(preimage), 2, 34), slice(toHex(preimage), 34)]
  const signature = signed(signers[type], preimage)
  return { name: `${type}: ${name}`, type, statement: statements[type], domainSeparator, structHash, preimage: toHex(preimage), digest: sha256(preimage), signature }
}

const valid = names.flatMap((type) => [vector('as usual', type, usual), vector('the greatest numbers', type, greatest)])

/** The smallest change of each field. */
const changes: { [T in keyof Statements]: Statements[T][] } = {
  ServerKey: [
    { ...usual.ServerKey, neighborhood: 2 },
    { ...usual.ServerKey, operator: '0x00000000000000000000000000000000000a11cf' },
    { ...usual.ServerKey, endpoint: 'https://relay.example' },
    { ...usual.ServerKey, deadline: deadline + 1n },
  ],
  KeyRotation: [
    { ...usual.KeyRotation, server: 2 },
    { ...usual.KeyRotation, operator: '0x00000000000000000000000000000000000a11cf' },
    { ...usual.KeyRotation, deadline: deadline + 1n },
  ],
  RelayHead: [
    { ...usual.RelayHead, server: 2 },
    { ...usual.RelayHead, incarnation: 1_246_420_826_001n },
    { ...usual.RelayHead, n: 6n },
    { ...usual.RelayHead, head: headOf(fork, 5n) },
  ],
  ChannelHead: [
    { ...usual.ChannelHead, server: 2 },
    { ...usual.ChannelHead, channel: hashOf('another channel') },
    { ...usual.ChannelHead, epoch: 5n },
    { ...usual.ChannelHead, term: 10n },
    { ...usual.ChannelHead, seq: 6n },
    { ...usual.ChannelHead, head: headOf(fork, 5n) },
  ],
  EndpointProof: [
    { ...usual.EndpointProof, server: 2 },
    { ...usual.EndpointProof, endpoint: 'https://relay.example' },
    { ...usual.EndpointProof, nonce: hashOf('another nonce') },
  ],
  Attestation: [
    { ...attestation, neighborhood: 2 },
    { ...attestation, server: 2 },
    { ...attestation, attester: 2 },
    { ...attestation, round: 2 },
    { ...attestation, endpoint: 'https://relay.example' },
    { ...attestation, spkiHash: zeroHash },
    { ...attestation, validUntil: attestation.validUntil + 1 },
    { ...attestation, reportHash: zeroHash },
  ],
}

const invalid = names.flatMap((type) => {
  const preimage = build(type, usual)
  const good = signed(signers[type], preimage)
  const usualFields = Object.entries(usual[type])
  const changed = changes[type].map((statement) => {
    const [field] = Object.entries(statement).find(([name, value]) => !usualFields.some(([other, was]) => other === name && was === value)) ?? ['']
    return { name: `${field} changed`, statement, signature: good }
  })
  return [
    ...changed,
    { name: 'high s', statement: usual[type], signature: { ...good, ...highS(good) } },
    { name: 'r and s exchanged', statement: usual[type], signature: { ...good, r: good.s, s: good.r } },
    { name: 'zeros', statement: usual[type], signature: { ...good, r: zeroHash, s: zeroHash } },
    { name: 'by another key', statement: usual[type], signature: { ...good, ...sign(keys.stranger, preimage) } },
    { name: 'a key that is not on the curve', statement: usual[type], signature: { ...good, keyY: good.keyX } },
    { name: 'signed for another chain', statement: usual[type], signature: signed(signers[type], build(type, usual, otherChain)) },
    { name: 'signed for another registry', statement: usual[type], signature: signed(signers[type], build(type, usual, elsewhere)) },
    // As a library signs that hashes typed data by itself: keccak256 of the preimage in place of the preimage.
    { name: 'hashed twice', statement: usual[type], signature: signed(signers[type], new Uint8Array(Buffer.from(keccak256(preimage).slice(2), 'hex'))) },
  ].map(({ name, ...fields }) => ({ name: `${type}: ${name}`, type, ...fields }))
})

type Evidence<T> = { first: T; second: T; branch: { ancestor: Hex; ids: Hex[] } }
type Signer = keyof typeof keys
interface Case<T> extends Evidence<T> {
  name: string
  /** The error that the contract refuses it with; absent where it slashes. */
  error?: string
  /** Who signed; the server's present and former keys without. */
  by?: readonly [Signer, Signer]
  where?: typeof domain
  highS?: boolean
}

const onFork = (from: number, to: number) => ({ ancestor: headOf(fork, BigInt(from)), ids: fork.ids.slice(from, to) })

/** What makes evidence of statements of either kind: `make` takes a history and a position, `elsewhere` is another position. */
function cases<T extends { head: Hex }>(make: (history: typeof honest, n: bigint) => T, others: { name: string; fields: Partial<T> }[]): Case<T>[] {
  const same = { first: make(honest, 3n), second: make(fork, 3n), branch: onFork(3, 3) }
  const later = { first: make(honest, 3n), second: make(fork, 5n), branch: onFork(3, 5) }
  return [
    { name: 'two heads of one length', ...same },
    { name: 'a longer history that leaves the shorter one out', ...later },
    { name: 'the same by a former and a present key', ...later, by: ['server', 'next'] },
    { name: 'one statement twice', first: same.first, second: same.first, branch: { ancestor: same.first.head, ids: [] }, error: 'NoEquivocation()' },
    { name: 'a history that went on', first: make(honest, 3n), second: make(honest, 5n), branch: { ancestor: headOf(honest, 3n), ids: honest.ids.slice(3) }, error: 'NoEquivocation()' },
    { name: 'a branch with an id too few', ...later, branch: onFork(3, 4), error: 'BranchInvalid()' },
    { name: 'a branch with other ids', ...later, branch: { ...later.branch, ids: honest.ids.slice(3) }, error: 'BranchInvalid()' },
    { name: 'a branch from elsewhere', ...later, branch: { ...later.branch, ancestor: zeroHash }, error: 'BranchInvalid()' },
    { name: 'the later statement first', first: later.second, second: later.first, branch: onFork(3, 5), error: 'BranchInvalid()' },
    ...others.map(({ name, fields }) => ({ name, ...same, second: { ...same.second, ...fields }, error: 'PositionMismatch()' })),
    { name: 'one by a key of nobody', ...same, by: ['server', 'stranger'] as const, error: 'ForeignKey(uint32,address)' },
    { name: 'signed for another chain', ...same, where: otherChain, error: 'SignatureInvalid(address)' },
    { name: 'signed for another registry', ...same, where: elsewhere, error: 'SignatureInvalid(address)' },
    { name: 'high s', ...same, highS: true, error: 'SignatureInvalid(address)' },
  ]
}

function evidence<T extends { head: Hex }>(build: (where: typeof domain, statement: T) => Uint8Array, list: Case<T>[]) {
  return list.map(({ name, first, second, branch, error, by = ['server', 'server'], where = domain, highS: high = false }) => {
    const [firstSignature, lastSignature] = [signed(by[0], build(where, first)), signed(by[1], build(where, second))]
    const secondSignature = high ? { ...lastSignature, ...highS(lastSignature) } : lastSignature
    const outcome = error === undefined ? { slashes: true } : { slashes: false, error: `ServerRegistry_${error}` }
    return { name, first, firstSignature, second, secondSignature, branch, ...outcome }
  })
}

const vectors = {
  deployer,
  domain,
  operator: OPERATOR,
  registeredAt: 1_800_000_000,
  keys: Object.values(keys),
  types: names.map((name) => ({ name, string: typeStrings[name], hash: keccak256(stringToBytes(typeStrings[name])) })),
  histories: [honest, fork],
  valid,
  invalid,
  evidence: {
    relay: evidence(
      relayHeadStatement,
      cases(relayHead, [
        { name: 'another server', fields: { server: 2 } },
        { name: 'another incarnation', fields: { incarnation: 1_246_420_826_001n } },
      ]),
    ),
    channel: evidence(
      channelHeadStatement,
      cases(channelHead, [
        { name: 'another server', fields: { server: 2 } },
        { name: 'another channel', fields: { channel: hashOf('another channel') } },
        { name: 'another epoch', fields: { epoch: 5n } },
        { name: 'another term', fields: { term: 10n } },
      ]),
    ),
  },
}

const target = process.argv[2] ?? import.meta.dirname
// Numbers of more than 32 bits as decimal strings: they may exceed what a JSON parser keeps.
const json = JSON.stringify(vectors, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 2)
writeFileSync(`${target}/statements.json`, `${json}\n`)
