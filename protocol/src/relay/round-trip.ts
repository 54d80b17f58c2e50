const STEPS_PER_DOUBLING = 16

/**
 * A round trip as a byte of a latency row, 1 to 255 (62.8 s and more): each step is 4.4 % of it and a millisecond.
 * @param ms milliseconds; undefined where there is no link, which is 0
 */
export function encodeRoundTrip(ms: number | undefined): number {
  if (ms === undefined) return 0
  return Math.min(Math.max(Math.round(STEPS_PER_DOUBLING * Math.log2(1 + ms)), 1), 255)
}

/** @returns milliseconds; undefined for 0, where there is no link */
export function decodeRoundTrip(byte: number): number | undefined {
  return byte === 0 ? undefined : 2 ** (byte / STEPS_PER_DOUBLING) - 1
}
