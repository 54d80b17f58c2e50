import { limits, type VersionVector } from '@dred/protocol'
import { encodeFrame } from '@dred/protocol/relay'

/** A vector as one or more encoded VV frames. */
export function vectorBytes(vector: VersionVector): Uint8Array {
  const entries = Object.entries(vector.toData())
  const frames: Uint8Array[] = []
  for (let at = 0; at === 0 || at < entries.length; at += limits.vectorOrigins) {
    const end = at + limits.vectorOrigins
    frames.push(encodeFrame({ type: 'VV', last: end >= entries.length, vector: Object.fromEntries(entries.slice(at, end)) }))
  }
  return Buffer.concat(frames)
}
