import { limits } from '../../limits.ts'
import { type Origin, originOf, parseOrigin, type VersionVectorData } from '../../version-vector.ts'
import type { OriginRange } from '../frame.ts'
import { relayLimits } from './limits.ts'
import { malformed, type Reader } from './reader.ts'

export function rangeItems({ server, incarnation, from, to }: OriginRange): number[] {
  return [server, incarnation, from, to]
}

export function readRanges(reader: Reader): OriginRange[] {
  let counts = 0
  return reader.list(relayLimits.ranges, () => {
    reader.array(4)
    const range = readRange(reader)
    counts += range.to - range.from + 1
    if (counts > relayLimits.rangeCounts) throw malformed('ranges of too many counts')
    return range
  })
}

export function readRange(reader: Reader): OriginRange {
  const server = reader.server()
  const incarnation = reader.integer(1)
  const from = reader.integer(1)
  return { server, incarnation, from, to: reader.integer(from) }
}

/** @param floors to be written after each incarnation */
export function vectorItems(vector: VersionVectorData, floors?: Readonly<Record<string, number>>): number[][] {
  return Object.entries(vector).map(([origin, counts]) => {
    const { server, incarnation } = parseOrigin(origin)
    return floors ? [server, incarnation, floors[origin] ?? 0, ...counts] : [server, incarnation, ...counts]
  })
}

export function readVector(reader: Reader): VersionVectorData {
  return readOrigins(reader, undefined)
}

export function readVectorWithFloors(reader: Reader): { vector: VersionVectorData; floors: Record<Origin, number> } {
  const floors: Record<Origin, number> = {}
  return { vector: readOrigins(reader, floors), floors }
}

/** @param floors takes those that are not 0; where it is undefined there are none to be read */
function readOrigins(reader: Reader, floors: Record<Origin, number> | undefined): VersionVectorData {
  const vector: VersionVectorData = {}
  const fixed = floors ? 4 : 3
  reader.list(limits.vectorOrigins, () => {
    const items = reader.array(fixed, fixed + limits.vectorExceptions)
    const origin = originOf({ server: reader.server(), incarnation: reader.integer(1) })
    if (Object.hasOwn(vector, origin)) throw malformed('an origin comes twice')
    const floor = floors ? reader.integer() : 0
    if (floors && floor > 0) floors[origin] = floor
    const upTo = reader.integer()
    const counts: VersionVectorData[Origin] = [upTo]
    let least = upTo + 2
    for (let i = fixed; i < items; i++) {
      const n = reader.integer(least)
      counts.push(n)
      least = n + 1
    }
    vector[origin] = counts
  })
  return vector
}
