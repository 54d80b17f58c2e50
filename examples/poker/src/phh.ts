import { parse, TomlDate, TomlError } from 'smol-toml'
import { type Action, applyAction, IllegalActionError, parseAction, startHand } from './hand.ts'

/** A hand as the file records it; lists have one entry for each player, `p1` first, amounts are decimals. */
export interface Hand {
  /** The site's number of the hand, or its place in the file. */
  id: string
  players: readonly string[]
  seats: readonly number[]
  stacks: readonly number[]
  antes: readonly number[]
  blinds: readonly number[]
  actions: readonly string[]
  /** What each player took from the pot; absent where the source does not say. */
  winnings: readonly number[] | undefined
  currency: string
  /** When it began, Unix milliseconds as if its clock were UTC; absent where the source does not say. */
  startMs: number | undefined
}

export interface Table {
  name: string
  /** In the order of play. */
  hands: readonly Hand[]
}

/** A file that is not a Poker Hand History of Texas hold'em. `problems` names the hand and the field of each fault. */
export class PhhError extends Error {
  override readonly name = 'PhhError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options)
    this.problems = problems
  }
}

type Fields = Record<string, unknown>

/** Reads the fields of one hand, noting what is wrong with them. */
class FieldReader {
  readonly problems: string[] = []
  readonly #fields: Fields
  readonly #place: string

  constructor(place: string, fields: Fields) {
    this.#place = place
    this.#fields = fields
  }

  problem(field: string, what: string): void {
    this.problems.push(`${this.#place}${field}: ${what}`)
  }

  has(field: string): boolean {
    return this.#fields[field] !== undefined
  }

  /** `expected` says in words what `accept` tests. */
  list<T>(field: string, expected: string, accept: (value: unknown) => value is T): T[] {
    const value = this.#fields[field]
    if (value === undefined) this.problem(field, 'is missing')
    else if (!Array.isArray(value) || value.length === 0) this.problem(field, `must be a list of ${expected}`)
    else {
      const wrong = value.findIndex((item: unknown) => !accept(item))
      if (wrong === -1) return value as T[]
      this.problem(`${field}[${wrong + 1}]`, `must be one of ${expected}, is ${JSON.stringify(value[wrong])}`)
    }
    return []
  }

  amounts(field: string): number[] {
    return this.list(field, 'amounts with at most two decimals', (value): value is number => {
      return typeof value === 'number' && Number.isFinite(value) && value >= 0 && Math.abs(value * 100 - Math.round(value * 100)) < 1e-6
    })
  }

  text(field: string): string | undefined {
    const value = this.#fields[field]
    if (value === undefined) return undefined
    if (typeof value === 'string' && value !== '') return value
    if (typeof value === 'number') return String(value)
    this.problem(field, `must be text, is ${JSON.stringify(value)}`)
    return undefined
  }

  integer(field: string): number | undefined {
    const value = this.#fields[field]
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value
    this.problem(field, `must be a whole number from 1, is ${JSON.stringify(value)}`)
    return undefined
  }

  time(field: string): string | undefined {
    const value = this.#fields[field]
    if (value === undefined) return undefined
    if (value instanceof TomlDate && value.isTime()) return value.toISOString()
    this.problem(field, 'must be a local time such as 00:04:24')
    return undefined
  }
}

function startOf(reader: FieldReader): number | undefined {
  const time = reader.time('time')
  if (time === undefined) return undefined
  const [year = 1970, month = 1, day = 1] = [reader.integer('year'), reader.integer('month'), reader.integer('day')]
  const date = new Date(Date.UTC(year, month - 1, day))
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) {
    reader.problem('day', `there is no ${year}-${month}-${day}`)
    return undefined
  }
  const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number)
  return date.getTime() + Math.round(((hours * 60 + minutes) * 60 + seconds) * 1000)
}

function checkPlay(hand: Hand, reader: FieldReader): void {
  let state = startHand(hand)
  for (const [index, text] of hand.actions.entries()) {
    const action: Action | undefined = parseAction(text)
    try {
      if (!action) throw new IllegalActionError("is not an action of Texas hold'em")
      state = applyAction(state, action)
    } catch (error) {
      if (!(error instanceof IllegalActionError)) throw error
      return reader.problem(`actions[${index + 1}]`, `'${text}' ${error.message}`)
    }
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isSeat = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 1

function readHand(place: string, fallbackId: string, fields: Fields): { hand: Hand; table: string; problems: string[] } {
  const reader = new FieldReader(place, fields)
  const variant = reader.text('variant')
  if (variant === undefined) reader.problem('variant', 'is missing')
  else if (variant !== 'NT' && variant !== 'FT') reader.problem('variant', `must be Texas hold'em, NT or FT, is ${JSON.stringify(variant)}`)
  const stacks = reader.amounts('starting_stacks')
  const hand: Hand = {
    id: reader.text('hand') ?? fallbackId,
    stacks,
    antes: reader.amounts('antes'),
    blinds: reader.amounts('blinds_or_straddles'),
    // A remark may follow an action.
    actions: reader.list('actions', 'actions', isText).map((action) => action.replace(/\s*#.*$/, '').trim()),
    players: reader.has('players') ? reader.list('players', 'names', isText) : stacks.map((_, index) => `p${index + 1}`),
    seats: reader.has('seats') ? reader.list('seats', 'seat numbers from 1', isSeat) : stacks.map((_, index) => index + 1),
    winnings: reader.has('winnings') ? reader.amounts('winnings') : undefined,
    currency: reader.text('currency_symbol') ?? '',
    startMs: startOf(reader),
  }
  const lists = { players: hand.players, seats: hand.seats, antes: hand.antes, blinds_or_straddles: hand.blinds, winnings: hand.winnings }
  for (const [field, list] of Object.entries(lists)) {
    if (list && list.length > 0 && stacks.length > 0 && list.length !== stacks.length)
      reader.problem(field, `has ${list.length} entries, starting_stacks has ${stacks.length}`)
  }
  if (stacks.length === 1) reader.problem('starting_stacks', 'must be of two players or more')
  if (new Set(hand.players).size !== hand.players.length) reader.problem('players', 'names a player twice')
  if (new Set(hand.seats).size !== hand.seats.length) reader.problem('seats', 'gives a seat twice')
  if (reader.problems.length === 0) checkPlay(hand, reader)
  return { hand, table: reader.text('table') ?? 'Table', problems: reader.problems }
}

function parseToml(text: string): Fields {
  try {
    return parse(text)
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    const reason = (cause.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '')
    throw new PhhError([`line ${cause.line}, column ${cause.column}: ${reason}`], { cause })
  }
}

/** In one hand's own time, or in file order where times are missing. */
function inOrderOfPlay(hands: readonly Hand[]): Hand[] {
  return hands.every(({ startMs }) => startMs !== undefined) ? [...hands].sort((a, b) => (a.startMs ?? 0) - (b.startMs ?? 0)) : [...hands]
}

/**
 * Reads a Poker Hand History: `.phhs`, whose tables `[1]`, `[2]` … are hands, or `.phh` with a single hand.
 * @returns the tables in the order in which they come first, each with its hands in the order of play
 * @throws PhhError when the text is not TOML or a hand is not one of Texas hold'em that can be played
 */
export function parsePhh(text: string): Table[] {
  const document = parseToml(text)
  const single = 'variant' in document || 'actions' in document
  const entries: [string, unknown][] = single ? [['', document]] : Object.entries(document)
  if (entries.length === 0) throw new PhhError(['the file has no hands'])
  const tables = new Map<string, Hand[]>()
  const problems: string[] = []
  for (const [index, [label, fields]] of entries.entries()) {
    const place = single ? '' : `hand [${label}] `
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields) || fields instanceof TomlDate) {
      problems.push(`${label}: is not a hand`)
      continue
    }
    const read = readHand(place, label === '' ? String(index + 1) : label, fields as Fields)
    problems.push(...read.problems)
    tables.set(read.table, [...(tables.get(read.table) ?? []), read.hand])
  }
  if (problems.length > 0) throw new PhhError(problems)
  return [...tables].map(([name, hands]) => ({ name, hands: inOrderOfPlay(hands) }))
}
