import { parseArgs } from 'node:util'
import { fuzz, groupNames, saveRegression } from './run.ts'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    target: { type: 'string', default: 'all' },
    minutes: { type: 'string' },
    redis: { type: 'string' },
  },
})
const { target } = values
if (!groupNames.includes(target)) throw new Error(`--target takes ${groupNames.join(', ')}`)
const write = (line: string): void => void process.stdout.write(`${line}\n`)
const start = performance.now()
write(`seed ${values.seed}`)
const result = await fuzz({
  cases: Number(values.cases),
  seed: Number(values.seed),
  target,
  report: write,
  ...(values.minutes === undefined ? {} : { minutes: Number(values.minutes) }),
  ...(values.redis === undefined ? {} : { redis: values.redis }),
})
for (const [outcome, times] of Object.entries(result.outcomes).sort(([a], [b]) => (a < b ? -1 : 1)))
  write(`${String(times).padStart(9)}  ${outcome}`)
for (const finding of result.findings.slice(0, 20)) write(`${saveRegression(finding)}: ${finding.failure.slice(0, 2_000)}`)
const total = Object.values(result.cases).reduce((sum, cases) => sum + cases, 0)
const { quarter, end } = result.residentMib
write(
  `${total} cases in ${Math.round((performance.now() - start) / 1_000)} s: ${Object.entries(result.cases)
    .map((pair) => pair.join(' '))
    .join(', ')}`,
)
write(
  `${result.findings.length} findings; ${result.kept} honest messages acknowledged, all kept; ${quarter} MiB after a quarter, ${end} MiB at the end`,
)
if (result.findings.length > 0) process.exitCode = 1
