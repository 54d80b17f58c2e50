import { connect } from 'node:net'
import { paths } from '@dred/protocol'
import type { Random } from '@dred/protocol/testing/random'
import type { FuzzedServer } from './fuzzed-server.ts'
import { mutateBytes } from './mutate.ts'
import { count, Finding, type Target } from './target.ts'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const TYPES = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
}
const NAMES = Object.keys(TYPES) as (keyof typeof TYPES)[]
const SILENT_MS = 150
const LINGER_MS = 5_000
const FRAME_HEAD = 9

/** HTTP/2, frame by frame: in any order, of any length, on any stream, around requests that are right. */
export class Http2Frames implements Target {
  readonly outcomes = new Map<string, number>()
  /** Frames that were written. */
  cases = 0
  readonly #server: FuzzedServer

  constructor(server: FuzzedServer) {
    this.#server = server
  }

  run(random: Random): Promise<void> {
    const frames: Buffer[] = [random.chance(0.95) ? frame('SETTINGS', { payload: settings(random) }) : Buffer.alloc(0)]
    const requestsOnly = random.chance(0.3)
    for (let left = 1 + random.below(random.chance(0.02) ? 400 : 12), stream = 1; left > 0; left--) {
      frames.push(requestsOnly || random.chance(0.7) ? this.#request(stream, random) : this.#hostile(random))
      if (random.chance(0.6)) stream += 2
    }
    this.cases += frames.length
    const preface = random.chance(0.97) ? PREFACE : mutateBytes(PREFACE, random)
    const bytes = Buffer.concat([preface, ...frames])
    return this.#send(random.chance(0.15) ? Buffer.concat([preface, mutateBytes(bytes.subarray(preface.length), random)]) : bytes)
  }

  #request(stream: number, random: Random): Buffer {
    const path = (random.pick(Object.values(paths)) ?? '/').replace(':id', random.pick(this.#server.channels)?.id ?? '')
    const fields: [string, string][] = [
      [':method', random.pick(['GET', 'POST', 'PUT', 'DELETE', 'CONNECT', '']) ?? 'GET'],
      [':path', random.chance(0.9) ? path : 'nonsense'],
      [':scheme', 'http'],
      [':authority', 'x'],
      ['content-type', 'application/json'],
    ]
    while (random.chance(0.3)) fields.splice(random.below(fields.length + 1), 0, oddField(random))
    const end = random.chance(0.5)
    const head = frame('HEADERS', { stream, flags: (end ? 1 : 0) | (random.chance(0.95) ? 4 : 0), payload: literals(fields) })
    if (end) return head
    return Buffer.concat([head, frame('DATA', { stream, flags: random.chance(0.7) ? 1 : 0, payload: Buffer.from('{"key":1}') })])
  }

  #hostile(random: Random): Buffer {
    const type = random.pick(NAMES) ?? 'PING'
    const payload = Buffer.alloc(random.pick([0, 1, 4, 5, 6, 8, 8, 100, 16_384]) ?? 0, random.below(256))
    const stream = random.pick([0, 1, 2, 3, 5, 7, 2 ** 31 - 1]) ?? 0
    const one = frame(type, { stream, flags: random.below(256), payload })
    if (random.chance(0.1)) one.writeUIntBE(random.below(2 ** 24), 0, 3)
    if (random.chance(0.03)) one[3] = 10 + random.below(240)
    return one
  }

  /** @throws Finding when the server neither answers nor hangs up once all was sent */
  #send(bytes: Buffer): Promise<void> {
    const { hostname, port } = new URL(this.#server.url)
    return new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port) })
      let received = Buffer.alloc(0)
      const linger = setTimeout(() => finish(), LINGER_MS)
      const finish = (): void => {
        clearTimeout(linger)
        socket.destroy()
        try {
          for (const outcome of framesIn(received)) count(this.outcomes, `http2: ${outcome}`)
          resolve()
        } catch (error) {
          reject(error as Error)
        }
      }
      socket.on('data', (chunk) => {
        if (received.length < 1_048_576) received = Buffer.concat([received, chunk])
      })
      socket.setTimeout(SILENT_MS, () => {
        const before = received.length
        // A busy server is silent too: it has nothing to say once it has answered somebody who came later.
        void this.#server.heard().then(() => received.length === before && finish())
      })
      socket.on('error', finish).on('end', finish).on('close', finish)
      socket.write(bytes)
    })
  }
}

function frame(type: keyof typeof TYPES, { stream = 0, flags = 0, payload }: { stream?: number; flags?: number; payload: Buffer }): Buffer {
  const head = Buffer.alloc(FRAME_HEAD)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = TYPES[type]
  head[4] = flags
  head.writeUInt32BE(stream >>> 0, 5)
  return Buffer.concat([head, payload])
}

function settings(random: Random): Buffer {
  const payload = Buffer.alloc(6 * random.below(4))
  for (let at = 0; at < payload.length; at += 6) {
    payload.writeUInt16BE(random.below(10), at)
    payload.writeUInt32BE(random.pick([0, 1, 16_384, 2 ** 24, 2 ** 31, 2 ** 32 - 1]) ?? 0, at + 2)
  }
  return payload
}

function oddField(random: Random): [string, string] {
  const fields: [string, string][] = [
    [':path', '/channels'],
    [':nonsense', 'x'],
    ['Upper', 'x'],
    ['connection', 'close'],
    ['transfer-encoding', 'chunked'],
    ['content-length', String(random.below(100))],
    ['te', 'x'],
    ['a\0', 'b'],
    ['a', 'b\r\nc: d'],
    ['', 'x'],
    ['authorization', 'Bearer x'],
    ['long', 'x'.repeat(random.below(3_000))],
    ['host', 'y'],
  ]
  return random.pick(fields) ?? ['a', 'b']
}

/** HPACK without table, without Huffman: literal fields, never indexed. */
function literals(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0x10), hpackText(name), hpackText(value)]))
}

function hpackText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  const length: number[] = bytes.length < 127 ? [bytes.length] : [127]
  for (let rest = bytes.length - 127; bytes.length >= 127; rest = Math.floor(rest / 128)) {
    length.push(rest >= 128 ? (rest % 128) + 128 : rest)
    if (rest < 128) break
  }
  return Buffer.concat([Buffer.from(length), bytes])
}

/** What a server said. @throws Finding for what is neither HTTP/2 nor a problem over HTTP/1.1 */
function* framesIn(bytes: Buffer): Generator<string> {
  if (bytes.length === 0) yield 'no answer'
  if (bytes.subarray(0, 5).toString('latin1') === 'HTTP/') {
    yield 'HTTP/1.1'
    return
  }
  for (let at = 0; at + FRAME_HEAD <= bytes.length; at += FRAME_HEAD + bytes.readUIntBE(at, 3)) {
    const type = NAMES.find((name) => TYPES[name] === bytes[at + 3])
    if (type === undefined) throw new Finding(`A frame of type ${bytes[at + 3]}`)
    const rest = bytes.subarray(at + FRAME_HEAD)
    if (type === 'DATA' && rest.includes('"code":"internal"')) throw new Finding(`An answer: ${rest.subarray(0, 500).toString('utf8')}`)
    yield type === 'GOAWAY' || type === 'RST_STREAM'
      ? `${type} ${rest.length >= 4 ? rest.readUInt32BE(type === 'GOAWAY' ? Math.min(4, rest.length - 4) : 0) : ''}`
      : type
  }
}
