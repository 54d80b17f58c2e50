// Dred and its peers side by side: npm run bench -- [--only p1,p3] [--systems dred,nats] [--rounds 3] [--seconds 2.5] [--peers] [--quick] [--json]
//   [--write] [--profile FOLDER]
// Writes bench/results/<date>.md, .json and .svg unless --quick, --only or --systems say that it is not the whole run; --write does all the same.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { killAll, pinSelf } from './lab/process.ts'
import { installPeers } from './peers.ts'
import { json, markdown, writeResults } from './report.ts'
import { runScenario, type ScenarioResult } from './run.ts'
import { scenarios } from './scenarios/index.ts'
import { quick } from './scenarios/quick.ts'
import { systems } from './systems/index.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    systems: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2.5' },
    /** With the peer-to-peer networks too. */
    peers: { type: 'boolean', default: false },
    /** A second of one scenario: does it work at all? */
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    /** Leaves a CPU profile of each of Dred's processes in a folder; see bench/profile.ts. */
    profile: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})

const progress = (text: string): void => void process.stderr.write(`${text}\n`)
const folder = mkdtempSync(join(tmpdir(), 'dred-bench-'))
process.on('exit', () => {
  killAll()
  rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130))

const names = values.systems?.split(',')
const ids = values.only?.split(',')
const unknown = [
  ...(names ?? []).filter((name) => !systems.some((system) => system.name === name)),
  ...(ids ?? []).filter((id) => !scenarios.some((scenario) => scenario.id === id)),
]
if (unknown.length > 0) throw new Error(`Unknown: ${unknown.join(', ')}`)
const chosen = values.quick ? [quick] : scenarios.filter(({ id }) => ids?.includes(id) ?? true)
const options = values.quick ? { rounds: 1, seconds: 0.5 } : { rounds: Number(values.rounds), seconds: Number(values.seconds) }
if (!(options.rounds >= 1 && options.seconds > 0)) throw new Error('--rounds and --seconds have to be positive')

if (!values.quick) installPeers({ p2p: values.peers, progress })
pinSelf()
const startedAt = new Date()
const { profile } = values
const results: ScenarioResult[] = []
for (const scenario of chosen) {
  const taking = [...scenario.systems, ...(values.peers ? (scenario.more ?? []) : [])].filter((name) => names?.includes(name) ?? true)
  const ordered = taking.flatMap((name) => systems.filter((system) => system.name === name))
  results.push(await runScenario(scenario, ordered, { ...options, folder, profile: profile && resolve(profile), progress }))
}

const run = { results, startedAt, rounds: options.rounds, seconds: options.seconds }
if (values.write || (!values.quick && !names && !ids)) progress(`Written: ${writeResults(run)}`)
process.stdout.write(values.json ? json(run) : markdown(run))
const failed = results.some(
  ({ outcomes, missing }) => 'dred' in missing || outcomes.some(({ system, problems }) => system === 'dred' && problems.length > 0),
)
process.exit(failed ? 1 : 0)
