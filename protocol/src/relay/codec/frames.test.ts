import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode, encode } from 'cborg'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { RelayFrame, WireEntry } from '../frame.ts'
import { type Handshake, handshakeBytes } from '../handshake.ts'
import { LinkError } from '../link-errors.ts'
import { fromHex, hex as toHex, readVectors, vectorFolder } from '../../../vectors/json.ts'
import { decodeFrame } from './decode-frame.ts'
import { controlBytes, encodeFrame } from './encode-frame.ts'
import { FrameReader } from './frame-reader.ts'
import { frameTypes } from './frame-types.ts'

const vectors = readVectors<{
  lists: Record<number, number[]>
  valid: { name: string; frame: RelayFrame; hex: string }[]
  unknownEpoch: { name: string; hex: string; entry: WireEntry; epoch: number }[]
  invalid: { name: string; hex: string; error: string }[]
  handshakes: { name: string; role: 'dialler' | 'acceptor'; handshake: Handshake; signedHex: string }[]
}>('frames.json')

const listOf = (epoch: number) => vectors.lists[epoch]
const decodeAll = (bytes: Uint8Array) => decodeFrame(bytes.subarray(4), listOf)

const entry: WireEntry = {
  kind: 'message',
  coordinate: { server: 1, incarnation: 1, n: 1 },
  canonical: '{"message":"€"}',
  sig: 'A'.repeat(86),
  expiresAt: 1,
  clock: 1,
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    if (error instanceof LinkError) return error.code
    throw error
  }
}

describe('frames', () => {
  it.each(vectors.valid)('encodes and decodes: $name', ({ frame, hex }) => {
    expect(toHex(encodeFrame(frame, listOf))).toBe(hex)
    const bytes = fromHex(hex)
    expect(new DataView(bytes.buffer).getUint32(0)).toBe(bytes.length - 4)
    expect(decodeAll(bytes)).toEqual(frame)
  })

  // That one reads a byte order mark as nothing.
  it.each(vectors.valid.filter(({ hex }) => !hex.includes('efbbbf')))('is what another implementation of CBOR writes: $name', ({ hex }) => {
    const body = hex.slice(8)
    expect(toHex(encode(decode(fromHex(body), { strict: true })))).toBe(body)
  })

  it('has vectors of every type', () => {
    expect(new Set(vectors.valid.map(({ frame }) => frame.type))).toEqual(new Set(frameTypes))
  })

  it.each(vectors.invalid)('refuses: $name', ({ hex, error }) => {
    expect(codeOf(() => decodeFrame(fromHex(hex), listOf))).toBe(error)
  })

  it('refuses arrays nested so deep that a stack would overflow', () => {
    expect(codeOf(() => decodeFrame(new Uint8Array(1_000_000).fill(0x81)))).toBe('malformed_frame')
  })

  it.each([
    ['of a byte each', 'm', 65_536],
    ['of three bytes each', '€', 21_845],
  ])('refuses a message longer than any, in characters %s', (_, character, most) => {
    const of = (length: number) =>
      codeOf(() => decodeAll(encodeFrame({ type: 'MSG', entry: { ...entry, canonical: character.repeat(length) }, cover: [] })))
    expect([of(most), of(most + 1)]).toEqual([undefined, 'malformed_frame'])
  })

  it('refuses more ranges than allowed', () => {
    const of = (length: number) => {
      const ranges = Array.from({ length }, (_, i) => ({ server: 1, incarnation: 1, from: i + 1, to: i + 1 }))
      return codeOf(() => decodeAll(encodeFrame({ type: 'PROBE', ranges })))
    }
    expect([of(16_384), of(16_385)]).toEqual([undefined, 'malformed_frame'])
  })

  it('does not write what is no unsigned integer', () => {
    for (const at of [-1, 0.5, Number.NaN, 2 ** 53]) expect(() => encodeFrame({ type: 'PING', at })).toThrow(RangeError)
  })

  it('shortens what it says at the end', () => {
    const frame = decodeAll(encodeFrame({ type: 'BYE', code: 'stopping', detail: 'x'.repeat(1_000) }))
    expect(frame).toEqual({ type: 'BYE', code: 'stopping', detail: 'x'.repeat(256) })
  })
})

describe('covers', () => {
  it.each(vectors.unknownEpoch)('do not keep the message away: $name', ({ hex, entry: expected, epoch }) => {
    expect(decodeFrame(fromHex(hex), listOf)).toEqual({ type: 'MSG', entry: expected, cover: [], epoch })
  })

  it.each([
    ['the epoch is not known', [1, 2], 8],
    ['a server is not on the list', [1, 4], 7],
    ['it is empty', [], 7],
  ])('go as ids where %s', (_, cover, epoch) => {
    expect(decodeAll(encodeFrame({ type: 'MSG', entry, cover, epoch }, listOf))).toEqual({ type: 'MSG', entry, cover })
  })
})

describe('the bytes of an entry', () => {
  it('are made once for all peers', () => {
    const counted = { ...entry, canonical: '' }
    let reads = 0
    Object.defineProperty(counted, 'canonical', { enumerable: true, get: () => (reads++, '{}') })
    encodeFrame({ type: 'MSG', entry: counted, cover: [2] })
    const readsOfOne = reads
    encodeFrame({ type: 'MSG', entry: counted, cover: [3] })
    expect([readsOfOne > 0, reads]).toEqual([true, readsOfOne])
  })

  it('are no control bytes, all others are', () => {
    const empty = encodeFrame({ type: 'BATCH', ticket: 1, entries: [] })
    const batch: RelayFrame = { type: 'BATCH', ticket: 1, entries: [entry, { ...entry, canonical: 'm'.repeat(1_000) }] }
    expect(controlBytes(batch, encodeFrame(batch).length)).toBe(empty.length)
    const push: RelayFrame = { type: 'MSG', entry, cover: [2, 300] }
    // The length, the array, its type, the cover.
    expect(controlBytes(push, encodeFrame(push).length)).toBe(4 + 1 + 1 + 1 + 1 + 3)
    expect(controlBytes({ type: 'PING', at: 1 }, 7)).toBe(7)
  })
})

describe('what a server signs to say who it is', () => {
  it.each(vectors.handshakes)('$name', ({ role, handshake, signedHex }) => {
    expect(toHex(handshakeBytes(role, handshake))).toBe(signedHex)
  })

  it('begins with a byte that no EIP-712 statement begins with', () => {
    expect(vectors.handshakes.map(({ signedHex }) => signedHex.slice(0, 2))).not.toContain('19')
  })
})

describe('a stream of frames', () => {
  const stream = fromHex(vectors.valid.map(({ hex }) => hex).join(''))
  const frames = vectors.valid.map(({ frame }) => frame)

  it.each([1, 2, 3, 5, 64, 333, 100_000])('is cut at its frames when it comes in pieces of %i bytes', (size) => {
    const reader = new FrameReader(10_000, listOf)
    const read: RelayFrame[] = []
    for (let at = 0; at < stream.length; at += size) read.push(...reader.read(stream.slice(at, at + size)))
    expect(read).toEqual(frames)
  })

  it('is refused at a length that is too large, before the frame has come', () => {
    const reader = new FrameReader(100)
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setUint32(0, 101)
    expect([...reader.read(bytes.subarray(0, 3))]).toEqual([])
    expect(codeOf(() => [...reader.read(bytes.subarray(3))])).toBe('oversized_frame')
  })

  it('is not kept in the pieces in which it came', () => {
    const entry = {
      kind: 'message' as const,
      coordinate: { server: 1, incarnation: 1, n: 1 },
      canonical: 'x'.repeat(3_000),
      sig: 'A'.repeat(86),
      expiresAt: 1,
      clock: 1,
    }
    const frame: RelayFrame = { type: 'MSG', entry, cover: [] }
    const pieces = [...encodeFrame(frame)].map((byte) => Uint8Array.of(byte))
    const reader = new FrameReader(10_000)
    for (const piece of pieces.slice(0, -1)) expect([...reader.read(piece)]).toEqual([])
    for (const piece of pieces.slice(0, 2_000)) piece.fill(0)
    expect([...reader.read(pieces.at(-1) ?? new Uint8Array())]).toEqual([frame])
  })

  it('may allow larger frames from one frame to the next', () => {
    const small = encodeFrame({ type: 'PING', at: 1 })
    const large = encodeFrame({ type: 'BYE', code: 'stopping', detail: 'x'.repeat(100) })
    const reader = new FrameReader(20)
    const read: RelayFrame[] = []
    for (const frame of reader.read(Buffer.concat([small, large]))) {
      read.push(frame)
      reader.maxBytes = 1_000
    }
    expect(read.map(({ type }) => type)).toEqual(['PING', 'BYE'])
  })
})

it('the committed vectors are what the generator writes', () => {
  const fresh = mkdtempSync(join(tmpdir(), 'dred-frames-'))
  onTestFinished(() => rmSync(fresh, { recursive: true }))
  execFileSync(process.execPath, [join(vectorFolder, 'generate-frames.ts'), fresh])
  expect(readFileSync(join(fresh, 'frames.json'), 'utf8')).toBe(readFileSync(join(vectorFolder, 'frames.json'), 'utf8'))
})
