// Writes the test vectors of what servers sign about what is stored: `node protocol/vectors/generate-receipts.ts`. Fixed keys and
// deterministic signatures: the output is the same on every run, and a test holds it against the committed file.
import { writeFileSync } from 'node:fs'
import { type Hex, sha256, stringToBytes, toHex } from 'viem'
import { canonicalJson, encodeBase64url, receiptBytes, type Receipt, receiptTree, sha256 as hash, type StoredEvent, utf8 } from '../src/index.ts'
import { type SignatureWords, signatureBytes } from '../src/statements/index.ts'
import { highS, keyOf, sign, type VectorKey } from './p256.ts'

const server = keyOf('server')
const stranger = keyOf('stranger')
const hashOf = (text: string) => encodeBase64url(Buffer.from(sha256(stringToBytes(text)).slice(2), 'hex'))

type Unsigned<T> = T extends unknown ? Omit<T, 'signature'> : never
type Statement = Unsigned<Receipt | StoredEvent>

const domain = { v: 1, chainId: 84_532, serverRegistry: '0x5fbdb2315678afecb367f032d93f642f64180aa3' } as const
const receipt: Unsigned<Receipt> = {
  type: 'receipt',
  ...domain,
  signer: 2,
  channel: hashOf('channel'),
  id: hashOf('message a'),
  server: 2,
  incarnation: 1_246_420_826_000,
  n: 7,
  acceptedAt: 1_246_420_827_000,
  stored: 1,
  servers: 3,
  signedAt: 1_246_420_827_004,
}
const event: Unsigned<StoredEvent> = {
  type: 'stored',
  ...domain,
  server: 2,
  incarnation: 1_246_420_826_000,
  n: 7,
  stored: 3,
  servers: 3,
  signedAt: 1_246_420_827_150,
}
const greatest = { chainId: Number.MAX_SAFE_INTEGER, incarnation: Number.MAX_SAFE_INTEGER, n: Number.MAX_SAFE_INTEGER }

const signed = (statement: Statement, words: SignatureWords) => ({ ...statement, signature: encodeBase64url(signatureBytes(words)) })
const by = (key: VectorKey, bytes: Uint8Array) => sign(key, bytes)

function valid(name: string, statement: Statement) {
  const bytes = receiptBytes(statement)
  return described(name, signed(statement, by(server, bytes)), bytes)
}

/** With the steps between: `signed` are the bytes that the signature is of, `digest` is their SHA-256. */
function described(name: string, statement: Statement & { signature: string }, bytes: Uint8Array) {
  const { signature: _, path: _path, ...fields } = { path: undefined, ...statement }
  const canonical = canonicalJson(fields)
  const leaf = statement.type === 'receipt' ? { leaf: encodeBase64url(hash(Uint8Array.of(0), utf8(canonical))) } : {}
  return { name, canonical, ...leaf, signed: new TextDecoder().decode(bytes), digest: sha256(toHex(bytes)), statement }
}

/** So many receipts under one signature. */
function together(count: number) {
  const receipts = Array.from({ length: count }, (_, i) => ({ ...receipt, id: hashOf(`message ${i}`), n: receipt.n + i }))
  const { bytes, paths } = receiptTree(receipts)
  return { bytes, statements: receipts.map((one, i) => signed({ ...one, path: paths[i] ?? [] }, by(server, bytes))) }
}

function validTogether(count: number, which: number[]) {
  const { bytes, statements } = together(count)
  return which.flatMap((i) => {
    const statement = statements[i]
    return statement ? [described(`receipt: ${i + 1} of ${count} that share a signature`, statement, bytes)] : []
  })
}

const zero = encodeBase64url(new Uint8Array(32))

function forgedPaths() {
  const key = keyWords(server)
  const [first, second, third] = together(5).statements as (Receipt & { signature: string })[]
  const [pair] = together(2).statements as (Receipt & { signature: string })[]
  if (!first?.path || !second?.path || !third || !pair?.path?.[0]) throw new Error('There are none')
  const { path } = first
  const { path: _, ...without } = first
  const alone = signed(receipt, by(server, receiptBytes(receipt)))
  /** A leaf as a node would be hashed: what stands for the two below it is no receipt. */
  const inner = hash(Uint8Array.of(1), utf8(canonicalJson(without as never)))
  return [
    { name: 'without its path', key, statement: without },
    { name: 'with an empty path', key, statement: { ...first, path: [] } },
    { name: 'with a path that is too short', key, statement: { ...first, path: path.slice(0, -1) } },
    { name: 'with a path that is too long', key, statement: { ...first, path: [...path, zero] } },
    { name: 'with a path in another order', key, statement: { ...first, path: path.toReversed() } },
    { name: 'with the path of another', key, statement: { ...first, path: third.path } },
    { name: 'with the path of its neighbor', key, statement: { ...first, path: second.path } },
    { name: 'with a path whose unused bits are not zero', key, statement: { ...pair, path: [pair.path[0].replace(/.$/, 'B')] } },
    { name: 'alone with a path', key, statement: { ...alone, path: [zero] } },
    { name: 'changed, with its path', key, statement: { ...first, n: first.n + 1 } },
    { name: 'with the signature of its canonical JSON', key, statement: signed(receipt, by(server, utf8(canonicalJson(receipt)))) },
    { name: 'with a leaf that is hashed like a node', key, statement: signed(receipt, by(server, utf8(`{"root":"${encodeBase64url(inner)}","type":"receipts","v":1}`))) },
  ].map(({ name, ...rest }) => ({ name: `receipt: ${name}`, ...rest }))
}

/** The smallest change of each field, under the signature of what it was. */
function changed(statement: Statement) {
  const words = by(server, receiptBytes(statement))
  return Object.entries(statement).map(([field, value]) => {
    const other = typeof value === 'number' ? value + 1 : field === 'type' ? (value === 'stored' ? 'receipt' : 'stored') : varied(value)
    return { name: `${statement.type}: ${field} changed`, key: keyWords(server), statement: signed({ ...statement, [field]: other }, words) }
  })
}

function varied(value: string | string[]): string | string[] {
  return typeof value === 'string' ? vary(value) : value.map(vary)
}

function vary(text: string): string {
  return text.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
}

function keyWords({ keyX, keyY }: { keyX: Hex; keyY: Hex }) {
  return { keyX, keyY }
}

function forged(statement: Statement) {
  const bytes = receiptBytes(statement)
  const words = by(server, bytes)
  const good = signed(statement, words)
  const key = keyWords(server)
  return [
    { name: 'a field more', key, statement: { ...good, extra: 1 } },
    { name: 'high s', key, statement: signed(statement, highS(words)) },
    { name: 'r and s exchanged', key, statement: signed(statement, { r: words.s, s: words.r }) },
    { name: 'zeros', key, statement: { ...good, signature: 'A'.repeat(86) } },
    { name: 'unused bits that are not zero', key, statement: { ...good, signature: good.signature.replace(/.$/, 'B') } },
    { name: 'by another key', key, statement: signed(statement, by(stranger, bytes)) },
    { name: 'a key that is not on the curve', key: { ...key, keyY: key.keyX }, statement: good },
    { name: 'a key that is no key', key: { keyX: '0x', keyY: '0x' }, statement: good },
    { name: 'signed with the signature in it', key, statement: signed(statement, by(server, utf8(JSON.stringify(good)))) },
    // As a wallet would: a digest in place of the bytes.
    { name: 'hashed twice', key, statement: signed(statement, by(server, Buffer.from(sha256(toHex(bytes)).slice(2), 'hex'))) },
  ].map(({ name, ...rest }) => ({ name: `${statement.type}: ${name}`, ...rest }))
}

const vectors = {
  key: server,
  valid: [
    valid('receipt: as usual', receipt),
    valid('receipt: of a message that entered elsewhere', { ...receipt, signer: 5, stored: 1 }),
    valid('receipt: the greatest numbers', { ...receipt, ...greatest, acceptedAt: Number.MAX_SAFE_INTEGER }),
    ...validTogether(2, [0, 1]),
    ...validTogether(3, [0, 2]),
    ...validTogether(64, [0, 17, 63]),
    ...validTogether(1_000, [999]),
    valid('stored: as usual', event),
    valid('stored: the greatest numbers', { ...event, ...greatest }),
  ],
  invalid: [...[receipt, event].flatMap((statement) => [...changed(statement), ...forged(statement)]), ...forgedPaths()],
}

const target = process.argv[2] ?? import.meta.dirname
writeFileSync(`${target}/receipts.json`, `${JSON.stringify(vectors, null, 2)}\n`)
