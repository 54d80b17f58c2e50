import { describe, expect, it } from 'vitest'
import { limits } from './limits.ts'
import { type Range, VersionVector } from './version-vector.ts'

/** Park–Miller: a small seeded generator, so that a failing case can be named. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

const numbers = ({ from, to }: Range): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('a version vector', () => {
  it.each(Array.from({ length: 200 }, (_, i) => i + 1))('agrees with plain sets (seed %i)', (seed) => {
    const below = random(seed)
    const known = { a: new Set<number>(), b: new Set<number>() }
    const vectors = { a: new VersionVector(), b: new VersionVector() }
    for (let step = 0; step < 60; step++) {
      const side = below(2) === 0 ? 'a' : 'b'
      const n = 1 + below(40)
      const to = below(4) === 0 ? Math.min(40, n + below(5)) : n
      const added = to > n ? vectors[side].addRange('1-1', n, to) : vectors[side].add('1-1', n)
      expect(added).toBe(to > n || !known[side].has(n))
      for (let i = n; i <= to; i++) known[side].add(i)
      if (below(20) > 0) continue
      vectors[side].raise('1-1', n)
      for (let i = 1; i <= n; i++) known[side].add(i)
    }
    for (const side of ['a', 'b'] as const) {
      for (let n = 1; n <= 41; n++) expect(vectors[side].has('1-1', n)).toBe(known[side].has(n))
      const gap = Array.from({ length: 42 }, (_, i) => i + 1).find((n) => !known[side].has(n)) ?? 0
      expect(vectors[side].watermark('1-1')).toBe(gap - 1)
      for (const vector of [vectors[side], vectors[side].clone(), VersionVector.from(vectors[side].toData())])
        expect(vector.exceptions).toBe(vector.counts('1-1').length - 1)
      expect(VersionVector.from(vectors[side].toData()).toData()).toEqual(vectors[side].toData())
    }
    const missing = vectors.a.missing(vectors.b).flatMap(numbers)
    expect(missing).toEqual([...known.b].filter((n) => !known.a.has(n)).sort((x, y) => x - y))
    const merged = vectors.a.clone()
    merged.merge(vectors.b)
    expect(merged.covers(vectors.a) && merged.covers(vectors.b)).toBe(true)
    for (let n = 1; n <= 41; n++) expect(merged.has('1-1', n)).toBe(known.a.has(n) || known.b.has(n))
  })

  it('refuses one exception too many, and takes it once the gap is smaller', () => {
    const vector = new VersionVector()
    for (let i = 0; i < limits.vectorExceptions; i++) expect(vector.add('1-1', 3 + 2 * i)).toBe(true)
    const next = 3 + 2 * limits.vectorExceptions
    expect(vector.add('1-1', next)).toBe(false)
    expect(vector.has('1-1', next)).toBe(false)
    vector.raise('1-1', 2)
    expect(vector.watermark('1-1')).toBe(3)
    expect(vector.add('1-1', next)).toBe(true)
  })

  it('takes a range whole or not at all', () => {
    const vector = VersionVector.from({ '1-1': [1, 4] })
    const { vectorExceptions: most } = limits
    expect(vector.addRange('1-1', 3, most + 3)).toBe(false)
    expect(vector.toData()).toEqual({ '1-1': [1, 4] })
    expect(vector.addRange('1-1', 3, most + 2)).toBe(true)
    expect(vector.dataOf(['1-1'], 3)).toEqual({ '1-1': [1, 3, 4, 5] })
    expect(vector.addRange('1-1', 2, 9_000)).toBe(true)
    expect(vector.toData()).toEqual({ '1-1': [9_000] })
  })

  it('gives the data of some origins', () => {
    const vector = VersionVector.from({ '2-1': [5], '1-1': [1, 3, 5, 7] })
    expect(vector.dataOf(['1-1', '9-9'])).toEqual({ '1-1': [1, 3, 5, 7] })
    expect(vector.dataOf(['2-1', '1-1'], 2)).toEqual({ '1-1': [1, 3, 5], '2-1': [5] })
  })

  it('keeps a copy apart', () => {
    const vector = VersionVector.from({ '1-1': [1, 3] })
    const copy = vector.clone()
    copy.add('1-1', 2)
    expect(vector.toData()).toEqual({ '1-1': [1, 3] })
    expect(copy.toData()).toEqual({ '1-1': [3] })
  })
})
