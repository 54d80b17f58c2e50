// Writes the test vectors of the frames between servers: `node protocol/vectors/generate-frames.ts`. A test holds the output against the
// committed file.
import { writeFileSync } from 'node:fs'
import { encode } from 'cborg'
import { encodeFrame, type Frame, handshakeBytes, RELAY_VERSION, type WireEntry } from '../src/relay/index.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (length: number, value: number) => new Uint8Array(length).fill(value)
/** As text: byte strings become `{"hex": …}`. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value, (_, item: unknown) => (item instanceof Uint8Array ? { hex: hex(item) } : item)))

const coordinate = { server: 2, incarnation: 1_246_420_826_000, n: 7 }
const id = 'CLEO-AVE_0123456789abcdefghijklmnopqrstuvwx'
const sig = 'A'.repeat(86)
const serverRegistry = `0x${'5f'.repeat(20)}`
const message: WireEntry = { kind: 'message', coordinate, canonical: '{"message":"€"}', sig, expiresAt: 1_246_507_226_000, acceptedAt: 1_246_420_827_000 }
const hello = { type: 'HELLO', version: RELAY_VERSION, chainId: 31_337, serverRegistry, neighborhood: '7', from: 1, to: 2, nonce: bytes(32, 1) } as const

const valid: [name: string, frame: Frame][] = [
  ['who dials', hello],
  ['who was dialled', { type: 'WELCOME', from: 2, nonce: bytes(32, 2), signature: bytes(64, 3) }],
  ['the proof of who dials', { type: 'AUTH', signature: bytes(64, 4) }],
  ['nothing stored', { type: 'VV', last: true, vector: {} }],
  ['the first part of what is stored', { type: 'VV', last: false, vector: { '1-100': [3, 5, 40], '2-1246420826000': [0] } }],
  ['a message', { type: 'PUSH', entry: message, cover: [] }],
  ['a genesis to pass on', { type: 'PUSH', entry: { ...message, kind: 'genesis', canonical: '{}' }, cover: [3, 4_294_967_295] }],
  ['a request', { type: 'PULL', ticket: 9, server: 2, incarnation: 1_246_420_826_000, from: 7, to: 7 }],
  [
    'an answer',
    { type: 'BATCH', ticket: 9, entries: [{ kind: 'gone', coordinate }, { kind: 'reference', coordinate: { ...coordinate, n: 8 }, channel: id, id }, message] },
  ],
  ['an empty answer', { type: 'BATCH', ticket: 0, entries: [] }],
  ['a ping', { type: 'PING', at: 1_246_420_826_000 }],
  ['a pong', { type: 'PONG', at: Number.MAX_SAFE_INTEGER }],
  ['an end', { type: 'BYE', code: 'stopping', detail: 'The server is shutting down' }],
]

const place = [coordinate.server, coordinate.incarnation, coordinate.n]
const entry = ['message', place, message.canonical, sig, message.expiresAt, message.acceptedAt]
const helloFields = ['HELLO', 1, 31_337, serverRegistry, '7', 1, 2, bytes(32, 1)]
const replaced = (fields: readonly unknown[], at: number, value: unknown) => fields.map((field, i) => (i === at ? value : field))
const fieldsOf: [name: string, fields: unknown, code?: string][] = [
  ['not an array', { type: 'PING', at: 1 }],
  ['an empty array', []],
  ['an unknown type', ['PUNG', 1]],
  ['a type that is no text', [1, 1]],
  ['a field too few', ['PING']],
  ['a field too many', ['PING', 1, 2]],
  ['a negative number', ['PING', -1]],
  ['a fraction', ['PING', 0.5]],
  ['null for a number', ['PING', null]],
  ['a HELLO of another version', ['HELLO', 2, 'who knows'], 'unsupported_version'],
  ['a HELLO with an address in capitals', replaced(helloFields, 3, serverRegistry.toUpperCase())],
  ['a HELLO with a neighborhood that is a number', replaced(helloFields, 4, 7)],
  ['a HELLO of server zero', replaced(helloFields, 5, 0)],
  ['a HELLO with a server beyond 32 bits', replaced(helloFields, 6, 2 ** 32)],
  ['a HELLO with a short nonce', replaced(helloFields, 7, bytes(31, 1))],
  ['an AUTH with a text for a signature', ['AUTH', 'A'.repeat(64)]],
  ['an origin twice', ['VV', true, [[1, 100, 3], [1, 100, 4]]]],
  ['exceptions that do not ascend', ['VV', true, [[1, 100, 3, 40, 5]]]],
  ['an exception next to the watermark', ['VV', true, [[1, 100, 3, 4]]]],
  ['an origin without a watermark', ['VV', true, [[1, 100]]]],
  ['1025 origins', ['VV', true, Array.from({ length: 1_025 }, (_, i) => [1, i + 1, 1])]],
  ['an entry of an unknown kind', ['PUSH', ['rumour', place], []]],
  ['an entry with count zero', ['PUSH', ['gone', [2, 100, 0]], []]],
  ['an entry with a field too many', ['PUSH', ['gone', place, 1], []]],
  ['an entry with a coordinate of four', ['PUSH', ['gone', [...place, 1]], []]],
  ['a message with a short signature', ['PUSH', replaced(entry, 3, 'A'.repeat(85)), []]],
  ['a reference to no id', ['PUSH', ['reference', place, id, 'x'], []]],
  ['a cover of 65 servers', ['PUSH', entry, Array.from({ length: 65 }, (_, i) => i + 1)]],
  ['a range that ends before it begins', ['PULL', 9, 2, 100, 8, 7]],
  ['a batch of 513 entries', ['BATCH', 9, Array.from({ length: 513 }, () => ['gone', place])]],
  ['an end with a code that is none', ['BYE', 'Good bye', '']],
]
const rawBytes: [name: string, hex: string][] = [
  ['no bytes at all', ''],
  ['text', hex(Buffer.from('GET / HTTP/1.1'))],
  ['a frame and a byte more', `${hex(encode(['PING', 1]))}00`],
  ['cut off', hex(encode(['PING', 1])).slice(0, -2)],
  ['an array of indefinite length', '9f6450494e4701ff'],
  ['an integer that is not in its shortest form', '826450494e471801'],
  ['a number beyond 2^53', '826450494e471b0020000000000000'],
  ['undefined', '826450494e47f7'],
  ['a tag', '826450494e47c101'],
  ['an array that claims 2^32 items', '9b0000000100000000'],
  ['arrays in arrays a thousand deep', '81'.repeat(1_000)],
]

const handshake = {
  chainId: 31_337,
  serverRegistry,
  neighborhood: '7',
  dialler: 1,
  acceptor: 2,
  diallerNonce: bytes(32, 1),
  acceptorNonce: bytes(32, 2),
  channelBinding: bytes(32, 5),
}
const handshakes = [
  { name: 'the dialler over TLS', role: 'dialler' as const, handshake },
  { name: 'the acceptor over TLS', role: 'acceptor' as const, handshake },
  { name: 'the dialler without TLS', role: 'dialler' as const, handshake: { ...handshake, channelBinding: new Uint8Array() } },
]

const content = {
  valid: valid.map(([name, frame]) => ({ name, frame: plain(frame), hex: hex(encodeFrame(frame)) })),
  invalid: [
    ...fieldsOf.map(([name, fields, error = 'malformed_frame']) => ({ name, hex: hex(encode(fields)), error })),
    ...rawBytes.map(([name, text]) => ({ name, hex: text, error: 'malformed_frame' })),
  ],
  handshakes: handshakes.map(({ name, role, handshake: fields }) => ({
    name,
    role,
    handshake: plain(fields),
    signedHex: hex(handshakeBytes(role, fields)),
  })),
}

writeFileSync(`${process.argv[2] ?? import.meta.dirname}/frames.json`, `${JSON.stringify(content, null, 2)}\n`)
