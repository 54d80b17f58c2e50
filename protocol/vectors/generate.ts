// Writes the test vectors that every implementation has to agree with: `node protocol/vectors/generate.ts`. Fixed keys, fixed dates: the
// output is the same on every run, and a test holds it against the committed files.
import { writeFileSync } from 'node:fs'
import { canonicalJson, type ControlName, encodeBase64url, joinByLink, type JsonValue, type Presence, sha256, type Signer, signGenesis, signMessage, signPresence, utf8, verifyPresence } from '../src/index.ts'
import { keyOf } from './device-key.ts'

const L = 2n ** 252n + 27742317777372353535851937790883648493n

const alice = await keyOf('alice')
const genesis = await signGenesis(alice.signer, { neighborhood: '7', createdAt: 1_246_420_826_000, salt: sha256(utf8('salt')).subarray(0, 16), name: 'poker: CLEO AVE' })
const gate = { standard: 'erc20', contract: '0x5fbdb2315678afecb367f032d93f642f64180aa3', min: '1000000000000000000', chainId: 84_532 } as const
const gated = await signGenesis(alice.signer, { neighborhood: '7', createdAt: 1_246_420_826_000, salt: sha256(utf8('salt')).subarray(0, 16), access: 'token', gate })
const channel = genesis.id
const other = encodeBase64url(sha256(utf8('another channel')))
const sentAt = 1_246_420_827_000

async function validMessage(name: string, fields: { message: unknown; prev?: string[]; nonce?: string; control?: ControlName }, signer = alice.signer) {
  const { id, signed } = await signMessage(signer, channel, { ...fields, sentAt })
  const { sig, ...unsigned } = signed
  const canonical = canonicalJson({ ...(unsigned as Record<string, JsonValue>), channel, v: 1 })
  return { name, channel, body: signed, canonical, id, sig }
}

const plain = await validMessage('a poker move', { message: { hand: 1, actor: 'p3', action: 'cbr 47.50' } })
const valid = [
  plain,
  await validMessage('all fields', { message: 'raise', prev: [plain.id], nonce: 'n-1_2' }),
  await validMessage('names are sorted by UTF-16 code units', { message: { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 } }),
  await validMessage('numbers as ECMAScript writes them', { message: [JSON.parse('333333333.33333329'), 1e30, 4.5, 2e-3, 1e-27, -0, 0.1, 1e21] }),
  await validMessage('escapes', { message: '\u20ac$\u000f\nA\'B"\\\\"/\u2028' }),
  await validMessage('null is a message', { message: null }),
  await validMessage('nested 64 levels deep', { message: JSON.parse(`${'['.repeat(63)}0${']'.repeat(63)}`) }),
  await validMessage('a name that some parsers stumble over', { message: JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}') }),
]

const bob = await keyOf('bob')
const link = await keyOf('the secret of a link')
const ends = sentAt + 86_400_000
const control = (name: string, of: ControlName, ...[message, signer = alice.signer]: [message: unknown, signer?: Signer]) =>
  validMessage(name, { control: of, message }, signer)
const invitation = await control('an invitation by a link', 'invite', { link: link.signer.key, uses: 3, expiresAt: ends })
const join = await control('a join by a link', 'join', await joinByLink(link.signer, { channel, invite: invitation.id, key: bob.signer.key }), bob.signer)
const controls = [
  invitation,
  join,
  await control('an invitation of a key', 'invite', { key: bob.signer.key, expiresAt: ends }),
  await control('a join by such an invitation', 'join', { invite: invitation.id }, bob.signer),
  await control('a request to join', 'join', {}, bob.signer),
  await control('an approval', 'approve', { key: bob.signer.key }),
  await control('a new owner', 'approve', { key: bob.signer.key, role: 'owner' }),
  await control('a leave', 'leave', {}, bob.signer),
  await control('a removal', 'remove', { key: bob.signer.key }),
  await control('an invitation taken back', 'remove', { invite: invitation.id }),
]

/** Signed well, and no statement of its kind. */
async function misshapen(name: string, of: ControlName, ...[message, options = {}]: [message: unknown, options?: { signer?: Signer; error?: string }]) {
  const { signer = alice.signer, error = 'malformed_statement' } = options
  return { name: `control: ${name}`, channel, body: (await control(name, of, message, signer)).body, error }
}
const proofFor = async (fields: Partial<{ channel: string; invite: string; key: string }>) =>
  joinByLink(link.signer, { channel, invite: invitation.id, key: bob.signer.key, ...fields })
const invalidControls = [
  await misshapen('an invitation of nobody', 'invite', { expiresAt: ends }),
  await misshapen('an invitation of a key and by a link', 'invite', { key: bob.signer.key, link: link.signer.key, uses: 1, expiresAt: ends }),
  await misshapen('an invitation without an end', 'invite', { key: bob.signer.key }),
  await misshapen('an invitation without uses', 'invite', { link: link.signer.key, uses: 0, expiresAt: ends }),
  await misshapen('an invitation with 1,001 uses', 'invite', { link: link.signer.key, uses: 1_001, expiresAt: ends }),
  await misshapen('a join that is a text', 'join', 'please'),
  await misshapen('a join by a link without a proof', 'join', { invite: invitation.id, link: link.signer.key }),
  await misshapen('an approval of nobody', 'approve', {}),
  await misshapen('an approval as something else', 'approve', { key: bob.signer.key, role: 'guest' }),
  await misshapen('a leave of somebody else', 'leave', { key: bob.signer.key }),
  await misshapen('a removal of nobody', 'remove', {}),
  await misshapen('a removal of a key and an invitation', 'remove', { key: bob.signer.key, invite: invitation.id }),
  await misshapen('the body of another kind', 'leave', { key: bob.signer.key, role: 'owner' }),
  await misshapen('a proof for another key', 'join', await proofFor({}), { error: 'invalid_signature' }),
  await misshapen('a proof for another channel', 'join', await proofFor({ channel: other }), { signer: bob.signer, error: 'invalid_signature' }),
  await misshapen('a proof for another invitation', 'join', { ...(await proofFor({ invite: plain.id })), invite: invitation.id }, { signer: bob.signer, error: 'invalid_signature' }),
  await misshapen('a proof by another link', 'join', { ...(await proofFor({})), link: bob.signer.key }, { signer: bob.signer, error: 'invalid_signature' }),
]

/** The same point with a scalar that is not below the group's order. */
function varied(sig: string): string {
  const bytes = Buffer.from(sig, 'base64url')
  let s = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`) + L
  for (let i = 32; i < 64; i++, s >>= 8n) bytes[i] = Number(s & 0xffn)
  return bytes.toString('base64url')
}

const smallOrder = [
  ['order 1', '0100000000000000000000000000000000000000000000000000000000000000'],
  ['order 2', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
  ['order 4', '0000000000000000000000000000000000000000000000000000000000000000'],
  ['order 4, other sign', '0000000000000000000000000000000000000000000000000000000000000080'],
  ['order 8', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
  ['order 8, other sign', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85'],
  ['order 8, the inverse', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
  ['order 8, the inverse, other sign', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa'],
  ['order 1, y not reduced', 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
  ['order 4, y not reduced', 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
  ['order 1, sign of a zero x', '0100000000000000000000000000000000000000000000000000000000000080'],
  ['y not reduced', 'f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
].map(([name, hex]) => ({ name: `key: ${name}`, key: Buffer.from(hex ?? '', 'hex').toString('base64url') }))

valid.push(...controls)

const body = plain.body
const without = (field: string, from: object = body) => Object.fromEntries(Object.entries(from).filter(([name]) => name !== field))
/** A body as JSON text where a JSON value in this file would not survive its own parsing. */
const text = (message: string) => JSON.stringify({ ...body, message: '@' }).replace('"@"', message)

const invalid = [
  { name: 'signed for another channel', channel: other, body, error: 'invalid_signature' },
  { name: 'message changed', channel, body: { ...body, message: { hand: 2 } }, error: 'invalid_signature' },
  { name: 'date changed', channel, body: { ...body, sentAt: sentAt + 1 }, error: 'invalid_signature' },
  { name: 'nonce added', channel, body: { ...body, nonce: 'x' }, error: 'invalid_signature' },
  { name: 'signature of another message', channel, body: { ...body, sig: valid[1]?.sig }, error: 'invalid_signature' },
  { name: 'signature of zeros', channel, body: { ...body, sig: 'A'.repeat(86) }, error: 'invalid_signature' },
  { name: 'signature with a scalar beyond the order', channel, body: { ...body, sig: varied(plain.sig) }, error: 'invalid_signature' },
  { name: 'signature missing', channel, body: without('sig'), error: 'malformed_message' },
  { name: 'signature with padding', channel, body: { ...body, sig: `${plain.sig}==` }, error: 'malformed_message' },
  { name: 'signature with unused bits set', channel, body: { ...body, sig: `${plain.sig.slice(0, -1)}${plain.sig.endsWith('B') ? 'C' : 'B'}` }, error: 'invalid_signature' },
  { name: 'signature in base64, not base64url', channel, body: { ...body, sig: `+${plain.sig.slice(1)}` }, error: 'malformed_message' },
  { name: 'message missing', channel, body: without('message'), error: 'malformed_message' },
  { name: 'key missing', channel, body: without('key'), error: 'malformed_message' },
  { name: 'date missing', channel, body: without('sentAt'), error: 'malformed_message' },
  { name: 'date a string', channel, body: { ...body, sentAt: String(sentAt) }, error: 'malformed_message' },
  { name: 'date not an integer', channel, body: { ...body, sentAt: sentAt + 0.5 }, error: 'malformed_message' },
  { name: 'date negative', channel, body: { ...body, sentAt: -1 }, error: 'malformed_message' },
  { name: 'five previous ids', channel, body: { ...body, prev: Array.from({ length: 5 }, () => plain.id) }, error: 'malformed_message' },
  { name: 'a previous id that is none', channel, body: { ...body, prev: ['x'] }, error: 'malformed_message' },
  { name: 'empty nonce', channel, body: { ...body, nonce: '' }, error: 'malformed_message' },
  { name: 'nonce of 65 characters', channel, body: { ...body, nonce: 'n'.repeat(65) }, error: 'malformed_message' },
  { name: 'unknown field', channel, body: { ...body, extra: 1 }, error: 'malformed_message' },
  { name: 'an array', channel, body: [], error: 'malformed_message' },
  { name: 'null', channel, body: null, error: 'malformed_message' },
  { name: 'lone surrogate', channel, bodyText: text('"\\ud800"'), error: 'malformed_message' },
  { name: 'lone surrogate in a name', channel, bodyText: text('{"\\udc00":1}'), error: 'malformed_message' },
  { name: 'number beyond a double', channel, bodyText: text('1e400'), error: 'malformed_message' },
  { name: 'nested 65 levels deep', channel, bodyText: text(`${'['.repeat(64)}0${']'.repeat(64)}`), error: 'malformed_message' },
  { name: 'nested 100 levels deep', channel, bodyText: text('['.repeat(100) + ']'.repeat(100)), error: 'malformed_message' },
  { name: 'larger than 65536 bytes', channel, repeat: { body, character: 'a', times: 65_536 }, error: 'body_too_large' },
  { name: 'control added', channel, body: { ...body, control: 'leave', message: {} }, error: 'invalid_signature' },
  { name: 'control taken away', channel, body: Object.fromEntries(Object.entries(join.body).filter(([name]) => name !== 'control')), error: 'invalid_signature' },
  { name: 'control of an unknown kind', channel, body: { ...join.body, control: 'ban' }, error: 'malformed_message' },
  ...invalidControls,
  ...smallOrder.map(({ name, key }) => ({ name, channel, body: { ...body, key }, error: 'weak_key' })),
]

const invalidGenesis = [
  { name: 'id of another genesis', id: other, body: genesis.genesis, error: 'genesis_mismatch' },
  { name: 'name changed', id: channel, body: { ...genesis.genesis, name: 'poker: ORIOLE AVE' }, error: 'genesis_mismatch' },
  { name: 'signature of something else', id: channel, body: { ...genesis.genesis, sig: plain.sig }, error: 'invalid_signature' },
  { name: 'unknown mode', id: channel, body: { ...genesis.genesis, mode: 'chaotic' }, error: 'malformed_genesis' },
  { name: 'unknown version', id: channel, body: { ...genesis.genesis, v: 2 }, error: 'malformed_genesis' },
  { name: 'lifetime of nothing', id: channel, body: { ...genesis.genesis, lifetimeMs: 0 }, error: 'malformed_genesis' },
  { name: 'neighborhood with a leading zero', id: channel, body: { ...genesis.genesis, neighborhood: '07' }, error: 'malformed_genesis' },
  { name: 'salt too short', id: channel, body: { ...genesis.genesis, salt: 'AAAA' }, error: 'malformed_genesis' },
  { name: 'unknown field', id: channel, body: { ...genesis.genesis, extra: true }, error: 'malformed_genesis' },
  { name: 'access token without a gate', id: gated.id, body: without('gate', gated.genesis), error: 'malformed_genesis' },
  { name: 'a gate without access token', id: gated.id, body: { ...gated.genesis, access: 'open' }, error: 'malformed_genesis' },
  { name: 'a gate of an unknown standard', id: gated.id, body: { ...gated.genesis, gate: { ...gate, standard: 'erc1155' } }, error: 'malformed_genesis' },
  { name: 'a gate with a contract in upper case', id: gated.id, body: { ...gated.genesis, gate: { ...gate, contract: gate.contract.toUpperCase().replace('X', 'x') } }, error: 'malformed_genesis' },
  { name: 'a gate that asks for nothing', id: gated.id, body: { ...gated.genesis, gate: { ...gate, min: '0' } }, error: 'malformed_genesis' },
  { name: 'a gate with a number', id: gated.id, body: { ...gated.genesis, gate: { ...gate, min: 1 } }, error: 'malformed_genesis' },
  { name: 'a gate without a chain', id: gated.id, body: { ...gated.genesis, gate: without('chainId', gate) }, error: 'malformed_genesis' },
  { name: 'a gate with an unknown field', id: gated.id, body: { ...gated.genesis, gate: { ...gate, extra: 1 } }, error: 'malformed_genesis' },
  { name: 'another gate', id: gated.id, body: { ...gated.genesis, gate: { ...gate, min: '1' } }, error: 'genesis_mismatch' },
]

async function lease(name: string, fields: Partial<Presence>) {
  const presence = await signPresence(alice.signer, channel, { sentAt, ttlMs: 30_000, ...fields })
  const { sig: _, ...unsigned } = presence
  const signed = canonicalJson({ ...(unsigned as Record<string, JsonValue>), channel, type: 'presence' })
  return { name, channel, body: presence, signed, text: (await verifyPresence(channel, presence)).text }
}
const here = await lease('a lease', {})
const leases = [
  here,
  await lease('with data', { data: { seat: 3, '\u20ac': [null, true, 1.5] }, ttlMs: 1 }),
  await lease('with data that is null', { data: null }),
  await lease('with 1,024 bytes of data', { data: `${'\u20ac'.repeat(340)}xx` }),
  await lease('gone', { gone: true }),
]
const otherwise = (fields: object) => ({ ...here.body, ...fields })
const invalidLeases = [
  { name: 'for another channel', channel: other, body: here.body, error: 'invalid_signature' },
  { name: 'data added', channel, body: otherwise({ data: 1 }), error: 'invalid_signature' },
  { name: 'gone added', channel, body: otherwise({ gone: true }), error: 'invalid_signature' },
  { name: 'prolonged', channel, body: otherwise({ sentAt: sentAt + 1 }), error: 'invalid_signature' },
  { name: 'the signature of a message', channel, body: otherwise({ sig: plain.sig }), error: 'invalid_signature' },
  { name: 'gone that is false', channel, body: otherwise({ gone: false }), error: 'malformed_statement' },
  { name: 'no time to live', channel, body: otherwise({ ttlMs: 0 }), error: 'malformed_statement' },
  { name: 'too long a time to live', channel, body: otherwise({ ttlMs: 30_001 }), error: 'malformed_statement' },
  { name: 'a date that is a text', channel, body: otherwise({ sentAt: String(sentAt) }), error: 'malformed_statement' },
  { name: 'an unknown field', channel, body: otherwise({ extra: 1 }), error: 'malformed_statement' },
  { name: 'without a signature', channel, body: otherwise({ sig: '' }), error: 'malformed_statement' },
  { name: '1,025 bytes of data', channel, body: otherwise({ data: `${'\u20ac'.repeat(340)}xxx` }), error: 'body_too_large' },
  { name: 'a weak key', channel, body: otherwise({ key: 'A'.repeat(43) }), error: 'weak_key' },
]

const vectors = {
  'presence.json': { valid: leases, invalid: invalidLeases },
  'messages.json': { keys: [{ name: 'alice', ...alice }, { name: 'bob', ...bob }, { name: 'the secret of a link', ...link }].map(({ name, seed, signer }) => ({ name, seed, key: signer.key })), valid, invalid },
  'genesis.json': {
    valid: [
      { name: 'a poker table', body: genesis.genesis, canonical: genesis.canonical, id: genesis.id },
      { name: 'a token gate', body: gated.genesis, canonical: gated.canonical, id: gated.id },
    ],
    invalid: invalidGenesis,
  },
}

const target = process.argv[2] ?? import.meta.dirname
for (const [file, content] of Object.entries(vectors)) writeFileSync(`${target}/${file}`, `${JSON.stringify(content, null, 2)}\n`)
