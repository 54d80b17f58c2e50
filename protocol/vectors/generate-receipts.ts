// Writes the test vectors of what servers sign about what is stored: `node protocol/vectors/generate-receipts.ts`. Fixed keys and
// deterministic signatures: the output is the same on every run, and a test holds it against the committed file.
import { writeFileSync } from 'node:fs'
import { type Hex, sha256, stringToBytes, toHex } from 'viem'
import { encodeBase64url, receiptBytes, type Receipt, type StoredEvent, utf8 } from '../src/index.ts'
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
  return { name, canonical: new TextDecoder().decode(bytes), digest: sha256(toHex(bytes)), statement: signed(statement, by(server, bytes)) }
}

/** The smallest change of each field, under the signature of what it was. */
function changed(statement: Statement) {
  const words = by(server, receiptBytes(statement))
  return Object.entries(statement).map(([field, value]) => {
    const other = typeof value === 'number' ? value + 1 : field === 'type' ? (value === 'stored' ? 'receipt' : 'stored') : vary(value)
    return { name: `${statement.type}: ${field} changed`, key: keyWords(server), statement: signed({ ...statement, [field]: other }, words) }
  })
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
    valid('stored: as usual', event),
    valid('stored: the greatest numbers', { ...event, ...greatest }),
  ],
  invalid: [receipt, event].flatMap((statement) => [...changed(statement), ...forged(statement)]),
}

const target = process.argv[2] ?? import.meta.dirname
writeFileSync(`${target}/receipts.json`, `${JSON.stringify(vectors, null, 2)}\n`)
