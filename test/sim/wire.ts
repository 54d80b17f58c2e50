import { type CoreFrame, controlBytes, decodeFrame, encodeFrame, type ListOf, type WireEntry } from '@dred/protocol/relay'

/** What arrives of a frame, and its size. */
interface Carried {
  carried: CoreFrame
  total: number
  /** Bytes that are not of entries. */
  control: number
}

export type Wire = (frame: CoreFrame, listOf: ListOf) => Carried

const alone = new WeakMap<WireEntry, Omit<Carried, 'carried'>>()

/** Frames go over as they are: fast, but servers share what they say. */
export const byReference: Wire = (frame, listOf) => {
  if (frame.type !== 'MSG' || frame.cover.length > 0) return { carried: frame, ...sizes(frame, listOf) }
  const known = alone.get(frame.entry) ?? sizes(frame, listOf)
  alone.set(frame.entry, known)
  return { carried: frame, ...known }
}

/** What arrives is what was encoded. */
export const byBytes: Wire = (frame, listOf) => {
  const bytes = encodeFrame(frame, listOf)
  return { carried: decodeFrame(bytes.subarray(4), listOf) as CoreFrame, ...sizes(frame, listOf) }
}

function sizes(frame: CoreFrame, listOf: ListOf): Omit<Carried, 'carried'> {
  const total = encodeFrame(frame, listOf).length
  return { total, control: controlBytes(frame, total) }
}
