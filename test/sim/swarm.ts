// Random faults, seed after seed: npm run sim:swarm -- --minutes M [--seed N]
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { generate, type ScenarioFile } from './generate.ts'
import { saveRegression } from './regressions.ts'
import { type Result, succeeded } from './result.ts'
import { type Run, runAll, runOne } from './runs.ts'
import { shrink } from './shrink.ts'

const REPORT_MS = 15_000
const SHRINK_MS = 60_000
/** Failures that are shrunk, each of another kind. */
const SHRUNK = 3

/** What is wrong with a run, without the details of where. */
function failureOf(result: Result): string | undefined {
  if (succeeded(result)) return undefined
  return result.violations[0]?.invariant ?? 'not everything was delivered'
}

function runOf(scenario: ScenarioFile): Run {
  return { scenario, seed: scenario.seed, protocol: scenario.topology }
}

function keep(seed: number, failure: string): void {
  const endMs = performance.now() + SHRINK_MS
  process.stderr.write(`Shrinking seed ${seed} …\n`)
  const smallest = shrink(
    generate(seed),
    (scenario) => failureOf(runOne(runOf(scenario))) === failure,
    () => performance.now() < endMs,
  )
  const file = saveRegression({ protocol: smallest.topology, failure, scenario: { ...smallest } })
  process.stdout.write(`Seed ${seed}: ${failure}; shrunk and kept as ${file}\n`)
}

async function main(minutes: number, firstSeed: number): Promise<boolean> {
  const endMs = performance.now() + minutes * 60_000
  const failures = new Map<number, string>()
  let count = 0
  let reportedMs = performance.now()
  process.stdout.write(`First seed: ${firstSeed}\n`)
  function* runs(): Generator<Run> {
    for (let seed = firstSeed; performance.now() < endMs; seed++) yield runOf(generate(seed))
  }
  await runAll(runs(), (result) => {
    count++
    const failure = failureOf(result)
    if (failure !== undefined) {
      failures.set(result.seed, failure)
      process.stderr.write(`Seed ${result.seed} fails: ${failure}\n`)
    }
    if (performance.now() - reportedMs < REPORT_MS) return
    reportedMs = performance.now()
    process.stderr.write(`${count} runs, ${failures.size} failed\n`)
  })
  const kinds = new Map([...failures].map(([seed, failure]) => [failure, seed]))
  for (const [failure, seed] of [...kinds].slice(0, SHRUNK)) keep(seed, failure)
  process.stdout.write(
    `${count} scenarios, ${failures.size} failed${failures.size > 0 ? `: seeds ${[...failures.keys()].join(', ')}` : ''}\n`,
  )
  return failures.size === 0
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } } })
const [minutes, seed] = [Number(values.minutes), Number(values.seed ?? randomInt(1, 2 ** 31))]
if (minutes > 0 && Number.isSafeInteger(seed)) process.exitCode = (await main(minutes, seed)) ? 0 : 1
else {
  process.stderr.write('Usage: npm run sim:swarm -- --minutes M [--seed N]\n')
  process.exitCode = 2
}
