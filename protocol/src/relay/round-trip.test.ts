import { expect, it } from 'vitest'
import { decodeRoundTrip, encodeRoundTrip } from './round-trip.ts'

it('keeps a round trip to 2.2 % and 0.05 ms', () => {
  for (let ms = 0.1; ms < 60_000; ms *= 1.01) {
    const decoded = decodeRoundTrip(encodeRoundTrip(ms)) ?? Number.NaN
    expect(Math.abs(decoded - ms)).toBeLessThan(0.0221 * ms + 0.05)
  }
})

it('tells no link from a short one', () => {
  expect([encodeRoundTrip(undefined), encodeRoundTrip(0)]).toEqual([0, 1])
  expect(decodeRoundTrip(0)).toBeUndefined()
})

it('does not go beyond a byte', () => {
  expect([encodeRoundTrip(62_758), encodeRoundTrip(Number.POSITIVE_INFINITY)]).toEqual([255, 255])
})

it('gives back every byte', () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte)
  expect(bytes.map((byte) => encodeRoundTrip(decodeRoundTrip(byte)))).toEqual(bytes)
})
