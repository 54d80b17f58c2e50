/** No word of a command line can have it. */
const MARK = '\0'

/** Ids are base64url of 43 characters: one in 64 begins with a dash, and would be taken for a flag. */
const DASHED_ID = /^-[A-Za-z0-9_-]{42}$/

/** The command line with a mark before ids that begin with a dash, up to `--`, behind which nothing is a flag. */
export function markIds(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  return argv.map((word, at) => ((end === -1 || at < end) && DASHED_ID.test(word) ? `${MARK}${word}` : word))
}

/** What was parsed without the marks: words, lists of words, and what has them as values. */
export function unmarked<T>(parsed: T): T {
  return without(parsed) as T
}

function without(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith(MARK) ? value.slice(MARK.length) : value
  if (Array.isArray(value)) return value.map(without)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, without(item)]))
}
