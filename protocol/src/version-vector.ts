import { DredError } from './errors.ts'
import { limits } from './limits.ts'
import type { Coordinate } from './schemas.ts'

/** One boot of one server: `<server>-<incarnation>`, both decimal. */
export type Origin = `${number}-${number}`

export function originOf({ server, incarnation }: Pick<Coordinate, 'server' | 'incarnation'>): Origin {
  return `${server}-${incarnation}`
}

export function parseOrigin(origin: string): Pick<Coordinate, 'server' | 'incarnation'> {
  const match = /^([1-9][0-9]{0,9})-([1-9][0-9]{0,15})$/.exec(origin)
  const server = Number(match?.[1])
  const incarnation = Number(match?.[2])
  if (!match || server > 0xffff_ffff || !Number.isSafeInteger(incarnation))
    throw new DredError('malformed_request', { detail: `${origin} is not an origin` })
  return { server, incarnation }
}

/** Counts from `from` to `to`, both included. */
export interface Range {
  origin: Origin
  from: number
  to: number
}

interface Known {
  /** All of 1..upTo are known. */
  upTo: number
  /** Known ones above `upTo + 1`; undefined for none, as nearly always. */
  beyond?: Set<number> | undefined
}

/** `[upTo, ...beyond ascending]` for each origin: plain data for frames and stores. */
export type VersionVectorData = Record<Origin, [upTo: number, ...beyond: number[]]>

/**
 * What is known of every origin's gap-free count: a contiguous watermark and a bounded set of exceptions beyond it. Never a
 * maximum, which would hide gaps.
 */
export class VersionVector {
  readonly #known = new Map<Origin, Known>()
  #exceptions = 0

  /** @throws DredError `malformed_request` for data that is no vector or is out of bounds */
  static from(data: Readonly<Record<string, readonly number[]>>): VersionVector {
    const vector = new VersionVector()
    const entries = Object.entries(data)
    if (entries.length > limits.vectorOrigins) throw new DredError('malformed_request', { detail: 'Too many origins in a version vector' })
    for (const [name, [upTo = Number.NaN, ...beyond]] of entries) {
      const origin = originOf(parseOrigin(name))
      const valid =
        Number.isSafeInteger(upTo) && upTo >= 0 && beyond.every((n, i) => Number.isSafeInteger(n) && n > (beyond[i - 1] ?? upTo + 1))
      if (!valid || beyond.length > limits.vectorExceptions)
        throw new DredError('malformed_request', { detail: `Bad counts for origin ${name}` })
      vector.#known.set(origin, { upTo, beyond: beyond.length > 0 ? new Set(beyond) : undefined })
      vector.#exceptions += beyond.length
    }
    return vector
  }

  toData(): VersionVectorData {
    return this.dataOf([...this.#known.keys()].sort())
  }

  /**
   * What is known of some origins, in their order; of those that are unknown nothing.
   * @param exceptions given of each origin at most: the lowest
   */
  dataOf(origins: Iterable<Origin>, exceptions: number = limits.vectorExceptions): VersionVectorData {
    const data: VersionVectorData = {}
    for (const origin of origins) {
      const known = this.#known.get(origin)
      if (known) data[origin] = [known.upTo, ...ascending(known.beyond).slice(0, exceptions)]
    }
    return data
  }

  /** What is known of one origin. */
  counts(origin: Origin): VersionVectorData[Origin] {
    const known = this.#known.get(origin)
    return known ? [known.upTo, ...ascending(known.beyond)] : [0]
  }

  clone(): VersionVector {
    const copy = new VersionVector()
    for (const [origin, { upTo, beyond }] of this.#known) copy.#known.set(origin, { upTo, beyond: beyond && new Set(beyond) })
    copy.#exceptions = this.#exceptions
    return copy
  }

  /** How many origins are known. */
  get size(): number {
    return this.#known.size
  }

  /** How many counts are known beyond watermarks. */
  get exceptions(): number {
    return this.#exceptions
  }

  knows(origin: Origin): boolean {
    return this.#known.has(origin)
  }

  get origins(): Origin[] {
    return [...this.#known.keys()]
  }

  /** The highest count below which nothing is missing; 0 for an unknown origin. */
  watermark(origin: Origin): number {
    return this.#known.get(origin)?.upTo ?? 0
  }

  has(origin: Origin, n: number): boolean {
    const known = this.#known.get(origin)
    return known !== undefined && (n <= known.upTo || known.beyond?.has(n) === true)
  }

  /**
   * Adds one count.
   * @returns false when it was known, or would be one exception too many: it must then be asked for again later.
   */
  add(origin: Origin, n: number): boolean {
    return !this.has(origin, n) && this.addRange(origin, n, n)
  }

  /**
   * Adds `from`..`to`, both included, or nothing.
   * @returns false when that would be too many exceptions
   */
  addRange(origin: Origin, from: number, to: number): boolean {
    const { upTo, beyond } = this.#known.get(origin) ?? { upTo: 0 }
    if (from <= upTo + 1) {
      this.raise(origin, to)
      return true
    }
    const room = limits.vectorExceptions - (beyond?.size ?? 0)
    const added: number[] = []
    for (let n = from; n <= to; n++) {
      if (beyond?.has(n)) continue
      if (added.push(n) > room) return false
    }
    const all = beyond ?? new Set()
    for (const n of added) all.add(n)
    this.#exceptions += added.length
    this.#known.set(origin, { upTo, beyond: all })
    return true
  }

  /** Declares all of 1..upTo known. */
  raise(origin: Origin, upTo: number): void {
    const known = this.#known.get(origin)
    if (!known) {
      this.#known.set(origin, { upTo })
      return
    }
    if (upTo <= known.upTo) return
    const { upTo: before, beyond } = known
    known.upTo = upTo
    if (!beyond) return
    this.#exceptions -= beyond.size
    if (upTo - before < beyond.size) for (let n = before + 1; n <= upTo; n++) beyond.delete(n)
    else for (const n of beyond) if (n <= upTo) beyond.delete(n)
    while (beyond.delete(known.upTo + 1)) known.upTo++
    this.#exceptions += beyond.size
    if (beyond.size === 0) known.beyond = undefined
  }

  /** Adds all that `other` knows. */
  merge(other: VersionVector): void {
    for (const [origin, { upTo, beyond }] of other.#known) {
      this.raise(origin, upTo)
      for (const n of beyond ?? []) this.add(origin, n)
    }
  }

  /** Whether everything that `other` knows is known here. */
  covers(other: VersionVector): boolean {
    return this.missing(other).length === 0
  }

  /** What `other` knows and this vector does not, as ranges in ascending order for each origin. */
  missing(other: VersionVector): Range[] {
    const ranges: Range[] = []
    for (const [origin, theirs] of other.#known) {
      const known = this.#known.get(origin)
      let next = (known?.upTo ?? 0) + 1
      const push = (to: number): void => {
        const last = ranges.at(-1)
        if (next <= to && last?.origin === origin && last.to === next - 1) last.to = to
        else if (next <= to) ranges.push({ origin, from: next, to })
      }
      if (next <= theirs.upTo) {
        for (const n of ascending(known?.beyond)) {
          if (n > theirs.upTo) break
          push(n - 1)
          next = n + 1
        }
        push(theirs.upTo)
      }
      for (const n of ascending(theirs.beyond)) {
        next = n
        if (!this.has(origin, n)) push(n)
      }
    }
    return ranges
  }
}

function ascending(numbers: Iterable<number> | undefined): number[] {
  return numbers ? [...numbers].sort((a, b) => a - b) : []
}
