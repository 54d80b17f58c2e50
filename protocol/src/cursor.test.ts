import { describe, expect, it } from 'vitest'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { limits } from './limits.ts'
import { VersionVector } from './version-vector.ts'

const CHANNEL = 'c'.repeat(43)

describe('a cursor', () => {
  it('carries what is known beyond a gap', () => {
    const seen = VersionVector.from({ '12-1700000000000': [40, 42, 99], '3-5': [0, 7] })
    const cursor = encodeCursor(CHANNEL, seen)
    expect(cursor).toBe('1.cccccccccccc.c-loyw3v28-14-16-2r~3-5-0-7')
    expect(decodeCursor(CHANNEL, cursor).toData()).toEqual(seen.toData())
  })

  it('leaves out the higher exceptions rather than growing too long', () => {
    const seen = new VersionVector()
    for (const origin of ['1-1', '2-2', '3-3'] as const) {
      seen.raise(origin, 1_000_000)
      for (let i = 1; i <= limits.vectorExceptions; i++) seen.add(origin, 1_000_000 + 2 * i)
    }
    const cursor = encodeCursor(CHANNEL, seen)
    expect(cursor.length).toBeLessThanOrEqual(limits.cursorLength)
    expect(cursor.length).toBeGreaterThan(limits.cursorLength / 4)
    const decoded = decodeCursor(CHANNEL, cursor)
    expect(seen.covers(decoded)).toBe(true)
    const [upTo, ...beyond] = decoded.counts('2-2')
    expect(upTo).toBe(1_000_000)
    expect(beyond).toEqual(seen.counts('2-2').slice(1, beyond.length + 1))
    expect(encodeCursor(CHANNEL, decoded)).toBe(cursor)
  })
})
