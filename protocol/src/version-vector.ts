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
  /** Known ones above `upTo + 1`. */
  beyond: Set<number>
}

/** `[upTo, ...beyond ascending]` for each origin: plain data for frames and stores. */
export type VersionVectorData = Record<Origin, [upTo: number, ...beyond: number[]]>

/**
 * What is known of every origin's gap-free count: a contiguous watermark and a bounded set of exceptions beyond it. Never a
 * maximum, which would hide gaps.
 */
export class VersionVector {
  readonly #known = new Map<Origin, Known>()

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
      vector.#known.set(origin, { upTo, beyond: new Set(beyond) })
    }
    return vector
  }

  toData(): VersionVectorData {
    const entries = [...this.#known].sort(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(entries.map(([origin, { upTo, beyond }]) => [origin, [upTo, ...[...beyond].sort((a, b) => a - b)]]))
  }

  clone(): VersionVector {
    const copy = new VersionVector()
    for (const [origin, { upTo, beyond }] of this.#known) copy.#known.set(origin, { upTo, beyond: new Set(beyond) })
    return copy
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
    return known !== undefined && (n <= known.upTo || known.beyond.has(n))
  }

  /**
   * Adds one count.
   * @returns false when it was known, or would be one exception too many: it must then be asked for again later.
   */
  add(origin: Origin, n: number): boolean {
    const known = this.#known.get(origin) ?? { upTo: 0, beyond: new Set<number>() }
    if (n <= known.upTo || known.beyond.has(n)) return false
    if (n > known.upTo + 1 && known.beyond.size >= limits.vectorExceptions) return false
    known.beyond.add(n)
    while (known.beyond.delete(known.upTo + 1)) known.upTo++
    this.#known.set(origin, known)
    return true
  }

  /** Declares all of 1..upTo known. */
  raise(origin: Origin, upTo: number): void {
    const known = this.#known.get(origin) ?? { upTo: 0, beyond: new Set<number>() }
    if (upTo > known.upTo) known.upTo = upTo
    for (const n of known.beyond) if (n <= known.upTo) known.beyond.delete(n)
    while (known.beyond.delete(known.upTo + 1)) known.upTo++
    this.#known.set(origin, known)
  }

  /** Adds all that `other` knows. */
  merge(other: VersionVector): void {
    for (const [origin, { upTo, beyond }] of other.#known) {
      this.raise(origin, upTo)
      for (const n of beyond) this.add(origin, n)
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
      const push = (from: number, to: number): void => {
        for (let at = from; at <= to; at++) {
          if (this.has(origin, at)) continue
          const start = at
          const next = [...(this.#known.get(origin)?.beyond ?? [])].filter((n) => n > start && n <= to).sort((a, b) => a - b)[0]
          at = next === undefined ? to : next - 1
          const last = ranges.at(-1)
          if (last && last.origin === origin && last.to === start - 1) last.to = at
          else ranges.push({ origin, from: start, to: at })
        }
      }
      push(this.watermark(origin) + 1, theirs.upTo)
      for (const n of [...theirs.beyond].sort((a, b) => a - b)) if (!this.has(origin, n)) push(n, n)
    }
    return ranges
  }
}
