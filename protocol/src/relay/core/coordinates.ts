import type { Coordinate } from '../../schemas.ts'
import { type Origin, originOf, parseOrigin, type VersionVector, type VersionVectorData } from '../../version-vector.ts'
import type { OriginRange, WireEntry } from '../frame.ts'

/** A coordinate as the key of a map. */
export function keyOf({ server, incarnation, n }: Coordinate): string {
  return `${server}-${incarnation}-${n}`
}

/** Roughly what an entry takes, in bytes. */
export function sizeOf(entry: WireEntry): number {
  return 'canonical' in entry ? entry.canonical.length + 160 : 64
}

/** Counts in any order as ranges of their origin. */
export function rangesOf(origin: Origin, counts: Iterable<number>): OriginRange[] {
  const at = parseOrigin(origin)
  const ranges: OriginRange[] = []
  for (const n of [...counts].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last && n <= last.to + 1) last.to = Math.max(last.to, n)
    else ranges.push({ ...at, from: n, to: n })
  }
  return ranges
}

/** Coordinates in any order as ranges. */
export function rangesOfAll(coordinates: Iterable<Coordinate>): OriginRange[] {
  const byOrigin = new Map<Origin, number[]>()
  for (const coordinate of coordinates) {
    const origin = originOf(coordinate)
    const counts = byOrigin.get(origin)
    if (counts) counts.push(coordinate.n)
    else byOrigin.set(origin, [coordinate.n])
  }
  return [...byOrigin].flatMap(([origin, counts]) => rangesOf(origin, counts))
}

/** What a vector has of one origin: the watermark, and those of `counts` that it has beyond. */
export function known(vector: VersionVector, origin: Origin, counts: Iterable<number>): VersionVectorData[Origin] {
  const upTo = vector.watermark(origin)
  const beyond = new Set<number>()
  for (const n of counts) if (n > upTo + 1 && vector.has(origin, n)) beyond.add(n)
  return [upTo, ...[...beyond].sort((a, b) => a - b)]
}

/** Origins, and counts beyond gaps, remembered of a peer: names are free to invent. */
const MAX_ORIGINS = 16_384
const MAX_EXCEPTIONS = 524_288

/** Adds what a peer says that it has. */
export function learn(vector: VersionVector, data: VersionVectorData): void {
  for (const [name, [upTo, ...beyond]] of Object.entries(data)) {
    const origin = name as Origin
    if (vector.size >= MAX_ORIGINS && !vector.knows(origin)) continue
    vector.raise(origin, upTo)
    if (vector.exceptions + beyond.length <= MAX_EXCEPTIONS) for (const n of beyond) vector.add(origin, n)
  }
}
