import { hashTypedData, hexToBigInt, keccak256, numberToHex, slice, stringToBytes } from 'viem'
import { expect, test } from 'vitest'
import { endpointHash, isLowS, serverKeyId, serverKeyStatement, signatureBytes, signatureWords, toLowS } from './index.ts'

const registry = { chainId: 31_337, serverRegistry: '0x5fbdb2315678afecb367f032d93f642f64180aa3' } as const
const statement = {
  neighborhood: 7,
  operator: '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  keyX: numberToHex(0x1234n, { size: 32 }),
  keyY: numberToHex(0xabcdn, { size: 32 }),
  endpoint: 'https://relay.example:8443',
  deadline: 1_800_000_000n,
} as const

test('the statement is the EIP-712 preimage of a ServerKey', () => {
  const bytes = serverKeyStatement(registry, statement)
  expect(bytes).toHaveLength(66)
  const { endpoint, ...fields } = statement
  expect(keccak256(bytes)).toBe(
    hashTypedData({
      domain: { name: 'Dred ServerRegistry', version: '1', chainId: registry.chainId, verifyingContract: registry.serverRegistry },
      primaryType: 'ServerKey',
      types: {
        ServerKey: [
          { name: 'neighborhood', type: 'uint32' },
          { name: 'operator', type: 'address' },
          { name: 'keyX', type: 'bytes32' },
          { name: 'keyY', type: 'bytes32' },
          { name: 'endpointHash', type: 'bytes32' },
          { name: 'deadline', type: 'uint256' },
        ],
      },
      message: { ...fields, endpointHash: keccak256(stringToBytes(endpoint)) },
    }),
  )
})

test.each([
  ['chain', { ...registry, chainId: 1 }, statement],
  ['registry', { ...registry, serverRegistry: statement.operator }, statement],
  ['neighborhood', registry, { ...statement, neighborhood: 8 }],
  ['operator', registry, { ...statement, operator: registry.serverRegistry }],
  ['key', registry, { ...statement, keyY: statement.keyX }],
  ['endpoint', registry, { ...statement, endpoint: 'https://relay.example' }],
  ['deadline', registry, { ...statement, deadline: 1n }],
])('the statement of another %s is another one', (_, otherRegistry, otherStatement) => {
  expect(serverKeyStatement(otherRegistry, otherStatement)).not.toEqual(serverKeyStatement(registry, statement))
})

test('a WebCrypto signature stays valid in low-s form, and its words are its bytes', async () => {
  const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
  const bytes = serverKeyStatement(registry, statement)
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const seen = new Set<boolean>()
  // Half of all signatures have a high s: 64 of them have both kinds but for one run in 2^63.
  for (let i = 0; i < 64; i++) {
    const raw = new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, bytes))
    const low = toLowS(raw)
    seen.add(isLowS(raw))
    expect(isLowS(low)).toBe(true)
    expect(toLowS(low)).toEqual(low)
    expect(signatureBytes(signatureWords(raw))).toEqual(low)
    expect(await crypto.subtle.verify(algorithm, publicKey, low, bytes)).toBe(true)
  }
  expect(seen).toEqual(new Set([true, false]))
})

test('a signature of another length is refused', () => {
  expect(() => toLowS(new Uint8Array(63))).toThrow('64 bytes')
  expect(() => signatureBytes({ r: '0x01', s: statement.keyX })).toThrow('32 bytes')
  expect(isLowS(new Uint8Array(63))).toBe(false)
})

test('ids of keys and endpoints are what the registry computes', () => {
  const { keyX, keyY } = statement
  const hash = keccak256(`0x${keyX.slice(2)}${keyY.slice(2)}`)
  expect(hexToBigInt(serverKeyId(keyX, keyY))).toBe(hexToBigInt(hash) % 2n ** 160n)
  expect(serverKeyId(keyX, keyY)).toBe(slice(hash, 12))
  expect(endpointHash('')).toBe('0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470')
})
