import { expect, it } from 'vitest'
import { fromHex, hex, readVectors } from '../../../vectors/json.ts'
import { frameVariant } from '../../testing/frame-variants.ts'
import { Random } from '../../testing/random.ts'
import type { RelayFrame } from '../frame.ts'
import { LinkError } from '../link-errors.ts'
import { decodeFrame } from './decode-frame.ts'
import { encodeFrame } from './encode-frame.ts'

const CASES = 150_000

const vectors = readVectors<{ lists: Record<number, number[]>; valid: { hex: string }[] }>('frames.json')
const listOf = (epoch: number) => vectors.lists[epoch]
const bodies = vectors.valid.map((vector) => fromHex(vector.hex).subarray(4))

/** @returns undefined where the bytes are no frame */
function read(bytes: Uint8Array): RelayFrame | undefined {
  try {
    return decodeFrame(bytes, listOf)
  } catch (error) {
    if (error instanceof LinkError && (error.code === 'malformed_frame' || error.code === 'unsupported_version')) return undefined
    throw error
  }
}

/** The cover was of a list that nobody here knows. */
const isUnresolved = (frame: RelayFrame) => frame.type === 'MSG' && frame.epoch !== undefined && frame.cover.length === 0

it('reads nothing but frames, each in the one form in which it is written', { timeout: 60_000 }, () => {
  const types = new Map<string, number>()
  let refused = 0
  for (let seed = 1; seed <= CASES; seed++) {
    const bytes = frameVariant(bodies, new Random(seed))
    const frame = read(bytes)
    if (!frame) {
      refused++
      continue
    }
    types.set(frame.type, (types.get(frame.type) ?? 0) + 1)
    if (isUnresolved(frame)) continue
    const again = encodeFrame(frame, listOf).subarray(4)
    if (Buffer.compare(bytes, again) !== 0) throw new Error(`Seed ${seed}: ${hex(bytes)} is read as what is written as ${hex(again)}`)
  }
  expect(refused).toBeGreaterThan(CASES / 4)
  expect(types.size).toBe(22)
  expect(Math.min(...types.values())).toBeGreaterThan(50)
})
