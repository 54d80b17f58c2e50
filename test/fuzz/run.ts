import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Random } from '@dred/protocol/testing/random'
import { hash } from '../sim/random.ts'
import { Codecs } from './codecs.ts'
import { FuzzedServer } from './fuzzed-server.ts'
import { Http } from './http.ts'
import { Http2Frames } from './http2-frames.ts'
import { PeerFrames } from './peer-frames.ts'
import { Finding, type Target } from './target.ts'

/** Each target with its part of a run over all, and how many of its cases run at once. */
const targets = {
  codecs: { share: 0.6, atOnce: 1, make: () => new Codecs() },
  http: { share: 0.16, atOnce: 48, make: (server: FuzzedServer) => new Http(server) },
  http2: { share: 0.16, atOnce: 48, make: (server: FuzzedServer) => new Http2Frames(server) },
  peers: { share: 0.08, atOnce: 1, make: (server: FuzzedServer) => new PeerFrames(server) },
} as const
export type TargetName = keyof typeof targets
const groups: Record<string, readonly TargetName[]> = {
  messages: ['codecs'],
  http: ['http'],
  frames: ['http2', 'peers'],
  all: ['codecs', 'http', 'http2', 'peers'],
}
/** What `--target` takes. */
export const groupNames = Object.keys(groups)

/** Cases between two looks at the server. */
const LOOK_EVERY = 5_000
/** Resident memory, in MiB, that may be more at the end than after a quarter of the cases. */
const GROWTH_MIB = 128
const REST_MS = 3_000
const folder = join(import.meta.dirname, 'regressions')

export interface FuzzOptions {
  cases: number
  seed: number
  /** One of {@link groupNames}. */
  target: string
  /** After which it ends whatever is left; default: never. */
  minutes?: number
  /** URL of a Redis for the server; SQLite without it. */
  redis?: string
  report?: (line: string) => void
}

export interface FuzzResult {
  cases: Partial<Record<TargetName, number>>
  outcomes: Record<string, number>
  findings: Regression[]
  /** Honest messages that were acknowledged meanwhile, all of which are there. */
  kept: number
  /** MiB after a quarter, and at the end. */
  residentMib: { quarter: number; end: number }
}

/** A case that failed once: the same numbers make the same change. */
export interface Regression {
  target: TargetName
  seed: number
  case: number
  /** What was wrong. */
  failure: string
}

/** Gives hostile input to parsers and to a server. @returns what came of it; findings make files */
export async function fuzz({ cases, seed, target, minutes = Infinity, redis, report = () => undefined }: FuzzOptions): Promise<FuzzResult> {
  const names = groups[target] ?? []
  const endsAt = performance.now() + minutes * 60_000
  const server = await FuzzedServer.start(redis)
  const result: FuzzResult = { cases: {}, outcomes: {}, findings: [], kept: 0, residentMib: { quarter: 0, end: 0 } }
  const total = names.reduce((sum, name) => sum + targets[name].share, 0)
  const running = names.map((name) => ({
    name,
    of: targets[name].make(server),
    next: { case: 0 },
    goal: Math.ceil((cases * targets[name].share) / total),
  }))
  let done = 0
  // In turns, so that a quarter of the cases is a quarter of each.
  for (let turn = 1; performance.now() < endsAt && running.some(({ of, goal }) => of.cases < goal); turn++) {
    const found = await Promise.all(
      running.map(({ name, of, goal, next }) =>
        runUpTo({ name, of, next, upTo: Math.min(goal, Math.ceil((goal * turn * LOOK_EVERY) / cases)), seed }),
      ),
    )
    result.findings.push(...found.flat())
    await server.assertServing()
    done = running.reduce((sum, { of }) => sum + of.cases, 0)
    if (result.residentMib.quarter === 0 && done >= cases / 4) result.residentMib.quarter = server.residentMib()
    if (turn % 20 === 0) report(`${done} cases, ${result.findings.length} findings, ${server.residentMib()} MiB`)
  }
  await delay(Math.min(REST_MS, cases))
  result.residentMib.end = server.residentMib()
  result.kept = await server.assertKept()
  await server.close()
  for (const { name, of } of running) {
    result.cases[name] = of.cases
    Object.assign(result.outcomes, Object.fromEntries(of.outcomes))
  }
  const { quarter, end } = result.residentMib
  if (quarter > 0 && end > quarter + GROWTH_MIB) throw new Finding(`Memory grew from ${quarter} to ${end} MiB`)
  return result
}

/** @returns what was found */
async function runUpTo({
  name,
  of,
  upTo,
  seed,
  next,
}: {
  name: TargetName
  of: Target
  upTo: number
  seed: number
  next: { case: number }
}): Promise<Regression[]> {
  const found: Regression[] = []
  const worker = async (): Promise<void> => {
    while (of.cases < upTo) {
      const at = next.case++
      try {
        await of.run(randomOf({ target: name, seed, case: at }))
      } catch (error) {
        const failure = error instanceof Finding ? error.message : String(error instanceof Error ? error.stack : error)
        found.push({ target: name, seed, case: at, failure })
      }
    }
  }
  await Promise.all(Array.from({ length: targets[name].atOnce }, worker))
  return found
}

function randomOf({ target, seed, case: at }: Pick<Regression, 'target' | 'seed' | 'case'>): Random {
  return new Random(hash(`${seed} ${target} ${at}`))
}

/** @returns the file */
export function saveRegression(regression: Regression, into = folder): string {
  mkdirSync(into, { recursive: true })
  const file = join(into, `${regression.target}-${regression.seed}-${regression.case}.json`)
  const [failure = ''] = regression.failure.split('\n')
  writeFileSync(file, `${JSON.stringify({ ...regression, failure }, null, 2)}\n`)
  return file
}

export function savedRegressions(from = folder): Regression[] {
  if (!existsSync(from)) return []
  return readdirSync(from)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(from, name), 'utf8')) as Regression)
}

/** Runs cases that failed once against a new server. @returns how many did not fail. @throws Finding when one does */
export async function replay(regressions: readonly Regression[]): Promise<number> {
  const server = await FuzzedServer.start()
  let passed = 0
  for (const regression of regressions) {
    await targets[regression.target].make(server).run(randomOf(regression))
    await server.assertServing()
    passed++
  }
  await server.close()
  return passed
}
