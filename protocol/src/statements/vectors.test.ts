import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { concat, keccak256, numberToHex, pad, sha256, stringToBytes, toHex, type Hex } from 'viem'
import { describe, expect, it, onTestFinished } from 'vitest'
import type statementsFile from '../../vectors/statements.json'
import {
  attestationStatement,
  channelHeadStatement,
  emptyHead,
  endpointProofStatement,
  keyRotationStatement,
  nextHead,
  relayHeadStatement,
  serverKeyId,
  serverKeyStatement,
  verifyStatement,
} from './index.ts'

const folder = join(import.meta.dirname, '../../vectors')
const vectors = JSON.parse(readFileSync(join(folder, 'statements.json'), 'utf8')) as typeof statementsFile
/** The file's addresses, hashes and words are hex. */
const domain = vectors.domain as { chainId: number; serverRegistry: Hex; complianceRegistry: Hex }
const hex = (value: unknown) => value as Hex

type Fields = Record<string, string | number>
/** The file has integers of more than 32 bits as decimal strings; the builders take those of 64 bits and more as bigint. */
const integers = (fields: Fields) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      /^[0-9]+$/.test(String(value)) && typeof value === 'string' ? BigInt(value) : value,
    ]),
  )

const builders = {
  ServerKey: serverKeyStatement,
  KeyRotation: keyRotationStatement,
  RelayHead: relayHeadStatement,
  ChannelHead: channelHeadStatement,
  EndpointProof: endpointProofStatement,
  Attestation: attestationStatement,
}

function build(type: string, statement: object): Uint8Array<ArrayBuffer> {
  const builder = builders[type as keyof typeof builders] as (where: typeof domain, fields: object) => Uint8Array<ArrayBuffer>
  return builder(domain, integers(statement as Fields))
}

/** EIP-712's hashStruct for flat types, as the documentation describes it: every field is one word. */
function structHash(type: string, statement: Fields): Hex {
  const { string } = vectors.types.find(({ name }) => name === type) ?? { string: '' }
  const fields = string.slice(string.indexOf('(') + 1, -1).split(',')
  const words = fields.map((field) => {
    const [kind = '', name = ''] = field.split(' ')
    if (name === 'endpointHash') return keccak256(stringToBytes(String(statement['endpoint'])))
    const value = statement[name] ?? ''
    return kind.startsWith('uint') ? numberToHex(BigInt(value), { size: 32 }) : pad(hex(value))
  })
  return keccak256(concat([keccak256(stringToBytes(string)), ...words]))
}

describe('statements', () => {
  it.each(vectors.valid)('$name', async ({ type, statement, preimage, domainSeparator, digest, signature, ...vector }) => {
    const bytes = build(type, statement)
    expect(toHex(bytes)).toBe(preimage)
    expect(preimage).toBe(concat(['0x1901', hex(domainSeparator), hex(vector.structHash)]))
    expect(vector.structHash).toBe(structHash(type, statement as Fields))
    expect(sha256(bytes)).toBe(digest)
    await expect(verifyStatement(keyOf(signature), bytes, wordsOf(signature))).resolves.toBe(true)
  })

  it.each(vectors.invalid)('$name: refused', async ({ type, statement, signature }) => {
    await expect(verifyStatement(keyOf(signature), build(type, statement), wordsOf(signature))).resolves.toBe(false)
  })

  it.each(['r', 's', 'keyX', 'keyY'] as const)('a signature whose %s is too short is refused, not an error', async (word) => {
    const [{ type, statement, signature } = { type: '', statement: {}, signature: { keyX: '', keyY: '', r: '', s: '' } }] = vectors.valid
    const short = { ...signature, [word]: '0x01' }
    await expect(verifyStatement(keyOf(short), build(type, statement), wordsOf(short))).resolves.toBe(false)
  })

  it('hash their types', () => {
    for (const { string, hash } of vectors.types) expect(keccak256(stringToBytes(string))).toBe(hash)
    expect(vectors.types.map(({ name }) => name).sort()).toEqual(Object.keys(builders).sort())
  })
})

it('keys have the ids of the file', () => {
  for (const { keyX, keyY, keyId } of vectors.keys) expect(serverKeyId(hex(keyX), hex(keyY))).toBe(keyId)
})

describe('heads', () => {
  it.each(vectors.histories)('of the history $name', ({ ids, heads }) => {
    expect(heads[0]).toBe(emptyHead)
    for (const [n, id] of ids.entries()) expect(nextHead(hex(heads[n]), hex(id))).toBe(heads[n + 1])
  })

  it('take nothing but 32 bytes', () => {
    expect(() => nextHead('0x', emptyHead)).toThrow('32 bytes')
    expect(() => nextHead(emptyHead, '0x01')).toThrow('32 bytes')
  })
})

/** What is common to both kinds. */
interface Evidence {
  name: string
  first: { head: string }
  firstSignature: Parameters<typeof keyOf>[0] & Parameters<typeof wordsOf>[0]
  second: { head: string }
  secondSignature: Evidence['firstSignature']
  branch: { ancestor: string; ids: string[] }
  slashes: boolean
  error?: string
}
const kinds: [type: string, cases: Evidence[]][] = [
  ['RelayHead', vectors.evidence.relay],
  ['ChannelHead', vectors.evidence.channel],
]

describe.each(kinds)('evidence of two %ss', (type, cases) => {
  it.each(cases)('$name', async ({ first, firstSignature, second, secondSignature, branch, slashes, error }) => {
    const verified = await Promise.all([
      verifyStatement(keyOf(firstSignature), build(type, first), wordsOf(firstSignature)),
      verifyStatement(keyOf(secondSignature), build(type, second), wordsOf(secondSignature)),
    ])
    expect(verified.every(Boolean)).toBe(error !== 'ServerRegistry_SignatureInvalid(address)')
    if (!slashes) return
    const head = branch.ids.reduce<Hex>((at, id) => nextHead(at, hex(id)), hex(branch.ancestor))
    expect(head).toBe(second.head)
    expect(branch.ancestor).not.toBe(first.head)
  })
})

it('the committed vectors are what the generator writes', () => {
  const fresh = mkdtempSync(join(tmpdir(), 'dred-statements-'))
  onTestFinished(() => rmSync(fresh, { recursive: true }))
  execFileSync(process.execPath, [join(folder, 'generate-statements.ts'), fresh])
  expect(readFileSync(join(fresh, 'statements.json'), 'utf8')).toBe(readFileSync(join(folder, 'statements.json'), 'utf8'))
})

function keyOf({ keyX, keyY }: { keyX: string; keyY: string }) {
  return { keyX: hex(keyX), keyY: hex(keyY) }
}

function wordsOf({ r, s }: { r: string; s: string }) {
  return { r: hex(r), s: hex(s) }
}
