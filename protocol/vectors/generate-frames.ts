// Writes the test vectors of the frames between servers: `node protocol/vectors/generate-frames.ts`. A test holds the output against the
// committed file.
import { writeFileSync } from 'node:fs'
import { encode } from 'cborg'
import { encodeFrame, handshakeBytes, type RelayFrame, RELAY_VERSION, type WireEntry } from '../src/relay/index.ts'
import { bytes, hex, plain } from './json.ts'

const MAX = Number.MAX_SAFE_INTEGER
const coordinate = { server: 2, incarnation: 1_246_420_826_000, n: 7 }
const id = 'CLEO-AVE_0123456789abcdefghijklmnopqrstuvxw'
const sig = 'A'.repeat(86)
const serverRegistry = `0x${'5f'.repeat(20)}`
const message: WireEntry = { kind: 'message', coordinate, canonical: '{"message":"€"}', sig, expiresAt: 1_246_507_226_000, clock: 1_246_420_827_000_000 }
const hello = { type: 'HELLO', version: RELAY_VERSION, chainId: 31_337, serverRegistry, neighborhood: '7', from: 1, to: 2, nonce: bytes(32, 1) } as const
const first = { server: 2, incarnation: 1_246_420_826_000, from: 7, to: 9 }

/** The servers that some epochs name; no other is known to who reads the vectors. */
const lists: Record<number, readonly number[]> = { 7: [1, 2, 3, 5, 8, 13, 21, 34, 4_294_967_295], 4_294_967_295: Array.from({ length: 256 }, (_, i) => 3 * i + 1) }
const listOf = (epoch: number) => lists[epoch]

const valid: [name: string, frame: RelayFrame][] = [
  ['who dials', hello],
  ['who was dialled', { type: 'WELCOME', from: 2, nonce: bytes(32, 2), signature: bytes(64, 3) }],
  ['the proof of who dials', { type: 'AUTH', signature: bytes(64, 4) }],
  ['what opens the second stream', { type: 'TOKEN', token: bytes(16, 5) }],
  ['the beginning of the second stream', { type: 'BULK', token: bytes(16, 5) }],
  ['an end', { type: 'BYE', code: 'stopping', detail: 'The server is shutting down' }],
  ['an end with the longest detail', { type: 'BYE', code: 'stopping', detail: '€'.repeat(256) }],
  ['a state', { type: 'STATE', incarnation: 1_246_420_826_000, epoch: 4_294_967_295, joining: true, credit: 4_194_304 }],
  ['a state without credit', { type: 'STATE', incarnation: 1, epoch: 0, joining: false, credit: 0 }],
  ['a message', { type: 'MSG', entry: message, cover: [] }],
  ['a message with ASCII only', { type: 'MSG', entry: { ...message, canonical: '{"message":"$"}' }, cover: [] }],
  ['a message that begins with a byte order mark', { type: 'MSG', entry: { ...message, canonical: '\uFEFF\u0000"' }, cover: [] }],
  ['a genesis to pass on', { type: 'MSG', entry: { ...message, kind: 'genesis', canonical: '{}' }, cover: [3, 4_294_967_295] }],
  ['a message to pass on, with a bitmap', { type: 'MSG', entry: message, cover: [1, 8, 34], epoch: 7 }],
  ['a message to pass on to the last of nine', { type: 'MSG', entry: message, cover: [4_294_967_295], epoch: 7 }],
  ['a message to pass on to 256 servers', { type: 'MSG', entry: message, cover: lists[4_294_967_295] ?? [], epoch: 4_294_967_295 }],
  ['a reference to pass on', { type: 'MSG', entry: { kind: 'reference', coordinate, channel: id, id }, cover: [1] }],
  ['something stored, and credit', { type: 'HAVE', vector: { '1-100': [3, 5, 40], '2-1246420826000': [0] }, credit: 65_536 }],
  ['something stored', { type: 'HAVE', vector: { '4294967295-9007199254740991': [MAX] } }],
  ['a new credit', { type: 'HAVE', vector: {}, credit: 0 }],
  ['a question', { type: 'PROBE', ranges: [first, { server: 3, incarnation: 1, from: 1, to: 1 }] }],
  ['a wish', { type: 'WANT', ranges: [first] }],
  ['no wish', { type: 'WANT', ranges: [] }],
  ['a refusal for the quota', { type: 'NO', coordinate, reason: 'quota' }],
  ['a refusal for the clock', { type: 'NO', coordinate, reason: 'ahead' }],
  ['a request', { type: 'PULL', ticket: 9, ...first }],
  [
    'an answer',
    { type: 'BATCH', ticket: 9, entries: [{ kind: 'gone', coordinate, from: 5 }, { kind: 'reference', coordinate: { ...coordinate, n: 8 }, channel: id, id }, message] },
  ],
  ['an empty answer', { type: 'BATCH', ticket: 0, entries: [] }],
  ['nothing stored', { type: 'VV', last: true, answer: true, vector: {}, floors: {} }],
  ['the first part of what is stored', { type: 'VV', last: false, answer: false, vector: { '1-100': [3, 5, 40], '2-1246420826000': [70] }, floors: { '2-1246420826000': 64 } }],
  ['a signed head', { type: 'HEAD', ...coordinate, head: bytes(32, 6), signature: bytes(64, 7) }],
  ['a latency row', { type: 'LATENCY', row: { server: 2, clock: 1_246_420_826_000, epoch: 7, roundTrips: Uint8Array.of(90, 0, 1, 255) }, signature: bytes(64, 8) }],
  [
    'a receipt',
    { type: 'RECEIPT', receipt: { server: 2, sender: 3, clock: 1_246_420_826_000, items: [{ server: 1, incarnation: 100, upTo: 0, count: 1 }] }, signature: bytes(64, 9) },
  ],
  ['a message that came home', { type: 'HOME', coordinate }],
  ['a ping', { type: 'PING', at: 1_246_420_826_000 }],
  ['a pong', { type: 'PONG', at: MAX }],
  ['no notice', { type: 'NOTICE', notices: [] }],
  ['notices, one of a kind that is not known', { type: 'NOTICE', notices: [{ kind: 'presence', text: '{"data":"€"}' }, { kind: 'kind_of_tomorrow', text: '' }] }],
  ['the longest notice', { type: 'NOTICE', notices: [{ kind: 'x'.repeat(40), text: '$'.repeat(8_192) }] }],
]

const place = [coordinate.server, coordinate.incarnation, coordinate.n]
const entry = [0, ...place, message.canonical, sig, message.expiresAt, message.clock]
const usual: Record<RelayFrame['type'], readonly unknown[]> = {
  HELLO: [0, 2, 31_337, serverRegistry, '7', 1, 2, bytes(32, 1)],
  WELCOME: [1, 2, bytes(32, 2), bytes(64, 3)],
  AUTH: [2, bytes(64, 4)],
  TOKEN: [3, bytes(16, 5)],
  BULK: [4, bytes(16, 5)],
  BYE: [5, 'stopping', ''],
  STATE: [6, 100, 7, true, 65_536],
  MSG: [7, entry, [3]],
  HAVE: [8, [[1, 100, 3]], 65_536],
  PROBE: [9, [[2, 100, 7, 9]]],
  WANT: [10, [[2, 100, 7, 9]]],
  NO: [11, 2, 100, 7, 0],
  PULL: [12, 9, 2, 100, 7, 9],
  BATCH: [13, 9, [entry]],
  VV: [14, true, false, [[1, 100, 0, 3]]],
  HEAD: [15, 2, 100, 7, bytes(32, 6), bytes(64, 7)],
  LATENCY: [16, 2, 1_246_420_826_000, 7, bytes(4, 90), bytes(64, 8)],
  RECEIPT: [17, 2, 3, 1_246_420_826_000, [[1, 100, 3, 1]], bytes(64, 9)],
  HOME: [18, 2, 100, 7],
  PING: [19, 1],
  PONG: [20, 1],
  NOTICE: [21, [['presence', '{}']]],
}
const changed = (fields: readonly unknown[], at: number, value: unknown) => fields.map((field, i) => (i === at ? value : field))
const withEntry = (value: unknown) => changed(usual.MSG, 1, value)
const withCounts = (...counts: number[]) => [14, true, false, [[1, 100, 0, ...counts]]]
const items = <T>(length: number, item: (i: number) => T) => Array.from({ length }, (_, i) => item(i))

const lengths = Object.entries(usual).flatMap(([type, fields]): [string, unknown][] => [
  // A HAVE without its last field is one without credit.
  [`${type} with too few fields`, fields.slice(0, type === 'HAVE' ? -2 : -1)],
  [`${type} with a field too many`, [...fields, 1]],
])
const otherTypes = Object.entries(usual).flatMap(([type, fields]) =>
  fields.flatMap((field, at): [string, unknown][] => (at === 0 ? [] : [[`${type} with null for field ${at}`, changed(fields, at, null)], [`${type} with another type of field ${at}`, changed(fields, at, typeof field === 'number' ? 'x' : 1)]])),
)
const malformed: [name: string, fields: unknown][] = [
  ['not an array', { type: 'PING', at: 1 }],
  ['an empty array', []],
  ['an unknown type', [22, 1]],
  ['a type by its name', ['PING', 1]],
  ['a negative number', [19, -1]],
  ['a fraction', [19, 0.5]],
  ['HELLO with chain zero', changed(usual.HELLO, 2, 0)],
  ['HELLO with an address in capitals', changed(usual.HELLO, 3, serverRegistry.toUpperCase())],
  ['HELLO with a neighborhood that is no number', changed(usual.HELLO, 4, '07')],
  ['HELLO of server zero', changed(usual.HELLO, 5, 0)],
  ['HELLO to a server beyond 32 bits', changed(usual.HELLO, 6, 2 ** 32)],
  ['HELLO with a nonce of 31 bytes', changed(usual.HELLO, 7, bytes(31, 1))],
  ['WELCOME with a signature of 65 bytes', changed(usual.WELCOME, 3, bytes(65, 3))],
  ['TOKEN of 15 bytes', [3, bytes(15, 5)]],
  ['BULK of 17 bytes', [4, bytes(17, 5)]],
  ['BYE with a code that is none', [5, 'Good bye', '']],
  ['BYE with a code of 41 characters', [5, 'x'.repeat(41), '']],
  ['BYE with a detail of 257 characters', [5, 'stopping', 'x'.repeat(257)]],
  ['STATE with incarnation zero', changed(usual.STATE, 1, 0)],
  ['STATE with an epoch beyond 32 bits', changed(usual.STATE, 2, 2 ** 32)],
  ['STATE with a number for a boolean', changed(usual.STATE, 3, 0)],
  ['an entry of an unknown kind', withEntry([4, ...place, 1])],
  ['an entry with its kind as text', withEntry(['gone', ...place, 1])],
  ['an entry with count zero', withEntry([3, 2, 100, 0, 1])],
  ['an entry of server zero', withEntry([3, 0, 100, 7, 1])],
  ['an entry of incarnation zero', withEntry([3, 2, 0, 7, 1])],
  ['an entry with a field too many', withEntry([3, ...place, 1, 1])],
  ['an entry with a field too few', withEntry([3, ...place])],
  ['a message that is as long as a reference', withEntry(entry.slice(0, 6))],
  ['a message with a signature of 85 characters', withEntry(changed(entry, 5, 'A'.repeat(85)))],
  ['a message with a signature in another alphabet', withEntry(changed(entry, 5, '/'.repeat(86)))],
  ['a message with bytes for its text', withEntry(changed(entry, 4, bytes(2, 0x7b)))],
  ['a reference to no id', withEntry([2, ...place, id, 'x'])],
  ['a reference to no channel', withEntry([2, ...place, 'x', id])],
  ['a reference to an id that is not 32 bytes', withEntry([2, ...place, id, `${id.slice(0, -1)}x`])],
  ['a gap from zero', withEntry([3, ...place, 0])],
  ['a gap that ends before it begins', withEntry([3, ...place, 8])],
  ['a cover of 257 servers', changed(usual.MSG, 2, items(257, (i) => i + 1))],
  ['a cover with server zero', changed(usual.MSG, 2, [0])],
  ['a cover that does not ascend', changed(usual.MSG, 2, [5, 3])],
  ['a cover with a server twice', changed(usual.MSG, 2, [3, 3])],
  ['an empty bitmap', [7, entry, 7, new Uint8Array()]],
  ['a bitmap that ends with zeros', [7, entry, 7, Uint8Array.of(1, 0)]],
  ['a bitmap longer than its list', [7, entry, 7, Uint8Array.of(1, 2)]],
  ['a bitmap of 33 bytes, of an unknown list', [7, entry, 8, bytes(33, 1)]],
  ['a bitmap of an epoch beyond 32 bits', [7, entry, 2 ** 32, Uint8Array.of(1)]],
  ['a list of ids after an epoch', [7, entry, 7, [3]]],
  ['an origin twice', [8, [[1, 100, 3], [1, 100, 4]]]],
  ['an origin without a watermark', [8, [[1, 100]]]],
  ['an origin of server zero', [8, [[0, 100, 3]]]],
  ['an origin of incarnation zero', [8, [[1, 0, 3]]]],
  ['1,025 origins', [8, items(1_025, (i) => [1, i + 1, 1])]],
  ['a range from zero', [9, [[2, 100, 0, 7]]]],
  ['a range that ends before it begins', [9, [[2, 100, 8, 7]]]],
  ['a range with a number too many', [10, [[2, 100, 7, 9, 9]]]],
  ['ranges of 65,537 counts', [9, [[2, 100, 1, 65_536], [3, 100, 1, 1]]]],
  ['a refusal without a reason', changed(usual.NO, 4, 2)],
  ['a request from zero', changed(usual.PULL, 4, 0)],
  ['a request that ends before it begins', changed(usual.PULL, 5, 6)],
  ['an answer with 513 entries', [13, 9, items(513, (i) => [3, 2, 100, i + 1, 1])]],
  ['exceptions that do not ascend', withCounts(3, 40, 5)],
  ['an exception twice', withCounts(3, 40, 40)],
  ['an exception next to the watermark', withCounts(3, 4)],
  ['1,025 exceptions', withCounts(1, ...items(1_025, (i) => 2 * i + 3))],
  ['an origin without a floor', [14, true, false, [[1, 100, 3]]]],
  ['a head of 31 bytes', changed(usual.HEAD, 4, bytes(31, 6))],
  ['a head of no messages', changed(usual.HEAD, 3, 0)],
  ['a latency row of 257 servers', changed(usual.LATENCY, 4, bytes(257, 90))],
  ['a latency row of an epoch beyond 32 bits', changed(usual.LATENCY, 3, 2 ** 32)],
  ['a receipt for nobody', changed(usual.RECEIPT, 2, 0)],
  ['a receipt of no messages', changed(usual.RECEIPT, 4, [[1, 100, 3, 0]])],
  ['a receipt with an origin twice', changed(usual.RECEIPT, 4, [[1, 100, 3, 1], [1, 100, 4, 1]])],
  ['a notice without a text', [21, [['presence']]]],
  ['a notice with a field too many', [21, [['presence', '{}', 1]]]],
  ['a notice that is no list', [21, ['presence', '{}']]],
  ['a notice with its kind as a number', [21, [[0, '{}']]]],
  ['a notice of a kind in capitals', [21, [['Presence', '{}']]]],
  ['a notice of a kind of 41 characters', [21, [['x'.repeat(41), '{}']]]],
  ['a notice of no kind', [21, [['', '{}']]]],
  ['a notice of bytes', [21, [['presence', bytes(2, 0x7b)]]]],
  ['a notice of 8,193 bytes', [21, [['presence', '$'.repeat(8_193)]]]],
  ['257 notices', [21, items(257, () => ['presence', '{}'])]],
  ['a receipt of 1,025 origins', changed(usual.RECEIPT, 4, items(1_025, (i) => [1, i + 1, 1, 1]))],
]
const rawBytes: [name: string, hex: string][] = [
  ['no bytes at all', ''],
  ['text', hex(Buffer.from('GET / HTTP/1.1'))],
  ['a frame and a byte more', '82130100'],
  ['cut off before a field', '8213'],
  ['cut off in an integer', '82131b0001'],
  ['cut off in a text', '83056873746f70'],
  ['cut off in bytes', '8203500505'],
  ['a frame of indefinite length', '9f1301ff'],
  ['a text of indefinite length', '83057f6873746f7070696e67ff60'],
  ['a type that is not in its shortest form', '82181301'],
  ['an integer of one byte more than needed', '82131817'],
  ['an integer of two bytes more than needed', '82131900ff'],
  ['an integer of four bytes more than needed', '82131a0000ffff'],
  ['an integer of eight bytes more than needed', '82131b00000000ffffffff'],
  ['an array whose length is not in its shortest form', '98021301'],
  ['a length of bytes that is not in its shortest form', `82035810${'05'.repeat(16)}`],
  ['a number beyond 2^53', '82131b0020000000000000'],
  ['an integer as a float', '8213fb3ff0000000000000'],
  ['undefined', '8213f7'],
  ['a tag', '8213c101'],
  ['a boolean of two bytes', '85061864f81407f500'],
  ['a text that is not UTF-8', '830568'.concat('73746f7070696e67', '62c328')],
  ['a lone surrogate as UTF-8', '830568'.concat('73746f7070696e67', '63eda080')],
  ['a character in more bytes than needed', '830568'.concat('73746f7070696e67', '62c0af')],
  ['an array that claims 2^32 items', '9b0000000100000000'],
  ['a list that claims 2^32 items', '82089b0000000100000000'],
  ['bytes that claim 2^32', '82035b0000000100000000'],
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
  lists,
  valid: valid.map(([name, frame]) => ({ name, frame: plain(frame), hex: hex(encodeFrame(frame, listOf)) })),
  // Their covers cannot be told.
  unknownEpoch: [{ name: 'a bitmap of an unknown list', hex: hex(encode([7, entry, 8, Uint8Array.of(5)])), entry: plain(message), epoch: 8 }],
  invalid: [
    ...[...lengths, ...otherTypes, ...malformed].map(([name, fields]) => ({ name, hex: hex(encode(fields)), error: 'malformed_frame' })),
    ...rawBytes.map(([name, text]) => ({ name, hex: text, error: 'malformed_frame' })),
    { name: 'HELLO of version 1', hex: hex(encode(changed(usual.HELLO, 1, 1))), error: 'unsupported_version' },
    { name: 'HELLO of a version to come', hex: hex(encode([0, 3, 'who knows'])), error: 'unsupported_version' },
  ],
  handshakes: handshakes.map(({ name, role, handshake: fields }) => ({
    name,
    role,
    handshake: plain(fields),
    signedHex: hex(handshakeBytes(role, fields)),
  })),
}

writeFileSync(`${process.argv[2] ?? import.meta.dirname}/frames.json`, `${JSON.stringify(content, null, 2)}\n`)
