import { distance } from 'fastest-levenshtein'

/** Where problems are noted; a list of texts is one. */
export interface Problems {
  push(problem: string): unknown
  /** What the operator calls a setting; undefined for one whose problem is known already, which is not noted again. */
  nameOf?(path: string): string | undefined
}

/** Reads one table of a configuration, notes everything that is wrong with it and never throws. */
export class Fields {
  readonly #values: Record<string, unknown>
  readonly #path: string
  readonly #problems: Problems
  readonly #asked = new Set<string>()

  /** @param path of the table, `''` for the outermost */
  constructor(raw: unknown, path: string, problems: Problems) {
    this.#path = path
    this.#problems = problems
    this.#values = isTable(raw) ? raw : {}
    if (!isTable(raw)) this.#note(path, 'has to be a table')
  }

  /** Names that were asked for so far. */
  get asked(): readonly string[] {
    return [...this.#asked]
  }

  has(name: string): boolean {
    this.#asked.add(name)
    return this.#values[name] !== undefined
  }

  table(name: string): Fields {
    const value = this.#take(name)
    return new Fields(value === undefined ? {} : value, this.#name(name), this.#problems)
  }

  string(name: string, options: { pattern?: RegExp; expected?: string; fallback?: string } = {}): string {
    const value = this.#take(name) ?? options.fallback
    const { pattern = /./, expected = 'text' } = options
    if (typeof value === 'string' && pattern.test(value)) return value
    this.report(name, value, expected)
    return ''
  }

  integer(name: string, { min, max, fallback }: { min: number; max: number; fallback?: number }): number {
    const value = this.#take(name) ?? fallback
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
    this.report(name, value, `a whole number from ${min} to ${max}`)
    return 0
  }

  /** Not necessarily whole. */
  number(name: string, { min, max, fallback }: { min: number; max: number; fallback: number }): number {
    const value = this.#take(name) ?? fallback
    if (typeof value === 'number' && value >= min && value <= max) return value
    this.report(name, value, `a number from ${min} to ${max}`)
    return fallback
  }

  oneOf<const T extends string>(name: string, choices: readonly [T, ...T[]], fallback?: T): T {
    const value = this.#take(name) ?? fallback
    const choice = choices.find((candidate) => candidate === value)
    if (choice === undefined) this.report(name, value, `one of ${choices.join(', ')}`)
    return choice ?? choices[0]
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.#take(name) ?? fallback
    if (typeof value === 'boolean') return value
    this.report(name, value, 'true or false')
    return fallback
  }

  strings(name: string): string[] {
    const value = this.#take(name) ?? []
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
    this.report(name, value, 'a list of texts')
    return []
  }

  /** Whether the value is exactly `false`. */
  isFalse(name: string): boolean {
    return this.#take(name) === false
  }

  /** To be called after all fields were read: reports the names that nobody asked for. */
  refuseUnknown(): void {
    for (const name of Object.keys(this.#values)) {
      if (this.#asked.has(name)) continue
      const close = [...this.#asked].find((known) => known.toLowerCase() === name.toLowerCase() || distance(known, name) <= 2)
      const meant = close === undefined ? undefined : this.#written(this.#name(close))
      this.#note(this.#name(name), `is not a setting${meant === undefined ? '' : `; did you mean ${meant}?`}`)
    }
  }

  /** Notes that a value is not what is expected, or missing. */
  report(name: string, value: unknown, expected: string): void {
    this.#note(this.#name(name), `${value === undefined ? 'is missing; it is' : 'has to be'} ${expected}`)
  }

  #take(name: string): unknown {
    this.#asked.add(name)
    return this.#values[name]
  }

  #note(path: string, problem: string): void {
    const name = path === '' ? 'The configuration' : this.#written(path)
    if (name !== undefined) this.#problems.push(`${name} ${problem}`)
  }

  #written(path: string): string | undefined {
    return this.#problems.nameOf === undefined ? path : this.#problems.nameOf(path)
  }

  #name(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }
}

function isTable(raw: unknown): raw is Record<string, unknown> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw)
}
