import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FrameReader } from './frame-reader.ts'
import { decodeFrame, encodeFrame, type Frame } from './frames.ts'
import { type Handshake, handshakeBytes } from './handshake.ts'
import { LinkError } from './link-errors.ts'

interface FrameVectors {
  valid: { name: string; frame: Frame; hex: string }[]
  invalid: { name: string; hex: string; error: string }[]
  handshakes: { name: string; role: 'dialler' | 'acceptor'; handshake: Handshake; signedHex: string }[]
}

const folder = join(import.meta.dirname, '../../vectors')

const fromHex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const revived = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'hex' in value && typeof value.hex === 'string' && Object.keys(value).length === 1
    ? fromHex(value.hex)
    : value
const vectors = JSON.parse(readFileSync(join(folder, 'frames.json'), 'utf8'), revived) as FrameVectors

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
    expect(toHex(encodeFrame(frame))).toBe(hex)
    const bytes = fromHex(hex)
    expect(new DataView(bytes.buffer).getUint32(0)).toBe(bytes.length - 4)
    expect(decodeFrame(bytes.subarray(4))).toEqual(frame)
  })

  it.each(vectors.invalid)('refuses: $name', ({ hex, error }) => {
    expect(codeOf(() => decodeFrame(fromHex(hex)))).toBe(error)
  })

  it('refuses arrays nested so deep that a stack would overflow', () => {
    expect(codeOf(() => decodeFrame(new Uint8Array(1_000_000).fill(0x81)))).toBe('malformed_frame')
  })

  it('refuses a message longer than any', () => {
    const of = (length: number) => {
      const coordinate = { server: 1, incarnation: 1, n: 1 }
      const entry = {
        kind: 'message',
        coordinate,
        canonical: 'm'.repeat(length),
        sig: 'A'.repeat(86),
        expiresAt: 1,
        acceptedAt: 1,
      } as const
      return codeOf(() => decodeFrame(encodeFrame({ type: 'PUSH', entry, cover: [] }).subarray(4)))
    }
    expect([of(65_536), of(65_537)]).toEqual([undefined, 'malformed_frame'])
  })

  it('shortens what it says at the end', () => {
    const frame = decodeFrame(encodeFrame({ type: 'BYE', code: 'stopping', detail: 'x'.repeat(1_000) }).subarray(4))
    expect(frame).toEqual({ type: 'BYE', code: 'stopping', detail: 'x'.repeat(256) })
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
    const reader = new FrameReader(10_000)
    const read: Frame[] = []
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

  it('may allow larger frames from one frame to the next', () => {
    const small = encodeFrame({ type: 'PING', at: 1 })
    const large = encodeFrame({ type: 'BYE', code: 'stopping', detail: 'x'.repeat(100) })
    const reader = new FrameReader(20)
    const read: Frame[] = []
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
  execFileSync(process.execPath, [join(folder, 'generate-frames.ts'), fresh])
  expect(readFileSync(join(fresh, 'frames.json'), 'utf8')).toBe(readFileSync(join(folder, 'frames.json'), 'utf8'))
})
