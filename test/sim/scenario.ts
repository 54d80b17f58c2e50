import { Random } from '@dred/protocol/testing/random'
import type { Static, TSchema } from 'typebox'
import * as Type from 'typebox'
import { Value } from 'typebox/value'

const strict = { additionalProperties: false } as const
const Ms = (description: string) => Type.Number({ minimum: 0, maximum: 86_400_000, description })
const Share = (description: string) => Type.Number({ minimum: 0, maximum: 1, description })
const ServerId = Type.Integer({ minimum: 1, maximum: 256 })
/** Ids, or how many of those that run: the seed picks them. */
const Servers = Type.Union([Type.Array(ServerId, { minItems: 1 }), Type.String({ pattern: '^(100|[1-9]?[0-9])%$' })])
export type Servers = Static<typeof Servers>

const fault = <const T extends string, const P extends Record<string, TSchema>>(type: T, fields: P) =>
  Type.Object({ atMs: Ms('When'), type: Type.Literal(type), ...fields }, strict)
const servers = Servers
const forMs = Type.Optional(Ms('It is undone after this long'))
const only = Type.Optional(Type.Literal('store', { description: 'Only the store: the server goes on without it' }))
const hold = Type.Optional(Type.Boolean({ description: 'Frames wait for the heal, as TCP would have them, and are not lost' }))

const faults = {
  crash: fault('crash', { servers, forMs, only, silent: Type.Optional(Type.Boolean({ description: 'Nobody is told: the power failed' })) }),
  restart: fault('restart', { servers: Type.Optional(servers) }),
  partition: fault('partition', { servers, forMs, hold }),
  heal: fault('heal', { servers: Type.Optional(servers) }),
  oneway: fault('oneway', { servers, to: Type.Optional(Servers), forMs, hold }),
  slow: fault('slow', {
    servers,
    forMs,
    factor: Type.Optional(Type.Number({ minimum: 1, maximum: 1_000, description: 'Of the latency; 10 unless given' })),
    mbitPerSecond: Type.Optional(Type.Number({ minimum: 0.01, description: 'Of each of its links' })),
  }),
  pause: fault('pause', { servers, forMs }),
  'drop-relay': fault('drop-relay', { servers, forMs }),
  'clock-skew': fault('clock-skew', { servers, forMs, skewMs: Type.Number({ minimum: -3_600_000, maximum: 3_600_000 }) }),
  'disk-loss': fault('disk-loss', { servers, forMs, only, lostMs: Type.Optional(Ms('What was written in these last milliseconds; 1000')) }),
  join: fault('join', { servers: Type.Array(ServerId, { minItems: 1 }) }),
  leave: fault('leave', { servers }),
} as const

export type FaultType = keyof typeof faults
export type Fault = { [T in FaultType]: Static<(typeof faults)[T]> }[FaultType]
export const faultTypes = Object.keys(faults) as FaultType[]

const Scenario = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 200 })),
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 0xffff_ffff, description: 'Unless --seed is given' })),
    topology: Type.Optional(Type.Union([Type.Literal('spt'), Type.Literal('star'), Type.Literal('ring')])),
    servers: Type.Integer({ minimum: 1, maximum: 256 }),
    durationMs: Ms('Clients publish for this long'),
    drainMs: Ms('What follows, until everything has to be everywhere'),
    warmupMs: Type.Optional(Ms('What comes before, for links to come up and be measured')),
    messagesPerSecond: Type.Number({ minimum: 0, maximum: 100_000 }),
    bodyBytes: Type.Integer({ minimum: 200, maximum: 65_536 }),
    lifetimeMs: Type.Optional(Type.Array(Ms('After which a message is no longer kept: between these two'), { minItems: 2, maxItems: 2 })),
    clients: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    switching: Type.Optional(Share('Of the messages, those before which their client moves to another server')),
    latency: Type.Optional(Type.Union([Type.Literal('regions'), Type.Array(Type.Array(Ms('One-way ms')))])),
    jitter: Type.Optional(Ms('How far a frame is early or late')),
    loss: Type.Optional(Share('Of the frames, those that vanish')),
    delayedLoss: Type.Optional(Share('Of the frames, those that TCP has to send again')),
    lossUntilMs: Type.Optional(Ms('When loss ends')),
    slowLinks: Type.Optional(Share('Of the pairs of servers, those that are four times as far apart')),
    deadLinks: Type.Optional(Share('Of the pairs of servers, those that never reach each other')),
    mbitPerSecond: Type.Optional(Type.Number({ minimum: 0.01, description: 'Of each server, upwards' })),
    clockSkewMs: Type.Optional(Ms('How far clocks are wrong, at most')),
    faults: Type.Optional(Type.Array(Type.Unknown())),
  },
  strict,
)

type Given = Static<typeof Scenario>
const defaults = {
  name: '',
  topology: 'spt',
  warmupMs: 10_000,
  lifetimeMs: [3_600_000, 3_600_000],
  clients: 50,
  switching: 0.1,
  latency: 'regions',
  jitter: 1,
  loss: 0,
  delayedLoss: 0,
  slowLinks: 0,
  deadLinks: 0,
  mbitPerSecond: 100,
  clockSkewMs: 20,
} as const satisfies Partial<Given>

export type Scenario = Required<Omit<Given, 'faults' | 'seed'>> & { seed: number | undefined; faults: Fault[] }

/** Everything that is wrong with a scenario, each with its place in the file. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/**
 * Reads a scenario as its file has it, with defaults for what it leaves out.
 * @throws ScenarioError with all that is wrong
 */
export function parseScenario(value: unknown): Scenario {
  const problems = mismatches(Scenario, value, '')
  if (problems.length > 0 && !(typeof value === 'object' && value !== null)) throw new ScenarioError(problems)
  const given = value as Given
  const list = Array.isArray(given.faults) ? given.faults : []
  const parsed = list.map((each, i) => checkFault(each, `/faults/${i}`, problems))
  if (problems.length === 0) problems.push(...contradictions(given, parsed))
  if (problems.length > 0) throw new ScenarioError(problems)
  const { faults: _, ...fields } = given
  const lossUntilMs = given.lossUntilMs ?? given.durationMs + given.drainMs
  return { ...defaults, lossUntilMs, ...fields, seed: given.seed, faults: parsed.toSorted((a, b) => a.atMs - b.atMs) } as Scenario
}

function checkFault(value: unknown, path: string, problems: string[]): Fault {
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined
  const schema = typeof type === 'string' && Object.hasOwn(faults, type) ? faults[type as FaultType] : undefined
  if (schema) problems.push(...mismatches(schema, value, path))
  else problems.push(`${path}/type: must be one of ${faultTypes.join(', ')}`)
  return value as Fault
}

/** What may be one of several things. */
const choices: Readonly<Record<string, string>> = {
  latency: 'must be "regions" or a matrix of one-way ms',
  servers: 'must be a list of ids or a share such as "30%"',
  to: 'must be a list of ids or a share such as "30%"',
  topology: 'must be spt, star or ring',
}

function mismatches(schema: TSchema, value: unknown, path: string): string[] {
  const errors = Value.Errors(schema, value)
  const several = new Set(errors.flatMap(({ keyword, instancePath }) => (keyword === 'anyOf' ? [instancePath] : [])))
  const found = errors.map(({ keyword, instancePath, message, params }) => {
    const place = `${path}${instancePath}` || '/'
    const choice = [...several].find((chosenPath) => instancePath.startsWith(chosenPath))
    if (choice !== undefined) return `${path}${choice}: ${choices[choice.split('/').at(-1) ?? ''] ?? 'is none of what is allowed there'}`
    if (keyword === 'additionalProperties')
      return `${place}: has no ${(params as { additionalProperties: string[] }).additionalProperties.join(', ')}`
    return keyword === 'boolean' || keyword === 'const' ? '' : `${place}: ${message}`
  })
  return [...new Set(found)].filter((problem) => problem !== '')
}

/** What no schema says. */
function contradictions(given: Given, list: readonly Fault[]): string[] {
  const problems: string[] = []
  const joining = list.flatMap((each) => (each.type === 'join' ? each.servers : []))
  const known = new Set([...Array.from({ length: given.servers }, (_, i) => i + 1), ...joining])
  const highest = Math.max(...known)
  if (Array.isArray(given.latency)) {
    const { latency } = given
    if (latency.length < highest || latency.some((row) => row.length !== latency.length))
      problems.push(`/latency: must be a square of at least ${highest} × ${highest}`)
  }
  const [shortest = 0, longest = 0] = given.lifetimeMs ?? []
  if (shortest > longest) problems.push('/lifetimeMs: the first must not be above the second')
  list.forEach((each, i) => {
    if (each.atMs > given.durationMs + given.drainMs) problems.push(`/faults/${i}/atMs: is after the end`)
    if (each.type === 'join') {
      if (each.servers.some((id) => id <= given.servers))
        problems.push(`/faults/${i}/servers: a server that joins has an id above ${given.servers}`)
      return
    }
    for (const id of Array.isArray(each.servers) ? each.servers : [])
      if (!known.has(id)) problems.push(`/faults/${i}/servers: there is no server ${id}`)
  })
  return problems
}

/** The servers that are meant: of a share, which ones depends on the seed and on the fault's place in the scenario. */
export function chosen(servers: Servers, among: readonly number[], seed: number): number[] {
  if (typeof servers !== 'string') return [...servers]
  return new Random(seed).sample(among, Math.round((Number.parseInt(servers, 10) / 100) * among.length)).sort((a, b) => a - b)
}
