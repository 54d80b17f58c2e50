// Ten real servers, each a host of its own, over a bad network: node test/netns/main.ts [--scenario FILE] [--simulate N] [--json] [--keep]
// Needs Linux, root, ip, openssl, curl and redis-server.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { Authority } from './authority.ts'
import { inNamespace, isAlive, Lab, whyNot } from './lab.ts'
import type { Report } from './report.ts'
import { readPlay } from './scenario.ts'
import { simulate } from './simulated.ts'
import { table } from './table.ts'

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', default: join(import.meta.dirname, '../sim/scenarios/ten-netem.json') },
    /** Have the simulator play the same with this many seeds, and show its medians beside. */
    simulate: { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
    /** Keep logs, stores and keys of the servers, and say where. */
    keep: { type: 'boolean', default: false },
  },
})

const problem = whyNot()
if (problem !== undefined) {
  process.stderr.write(`This cannot run here: ${problem}.\n`)
  process.exit(2)
}

const PREFIX = 'dred-netns-'
const lab = new Lab(process.pid)
const folder = mkdtempSync(join(tmpdir(), values.keep ? 'dred-kept-' : `${PREFIX}${process.pid}-`))

/** After this run and earlier ones that could not do it. */
function cleanUp(): void {
  lab.remove()
  for (const name of readdirSync(tmpdir())) {
    const owner = name.startsWith(PREFIX) ? Number(name.split('-')[2]) : undefined
    if (owner === process.pid || (owner !== undefined && !isAlive(owner))) rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
}

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
for (const [signal, code] of Object.entries(signals)) {
  process.once(signal, () => {
    cleanUp()
    process.exit(code)
  })
}

/** @throws Error when it did not come to a report */
async function play(scenario: string): Promise<Report> {
  try {
    lab.create(readPlay(scenario).servers)
    const authority = new Authority(folder)
    authority.create()
    const given = ['--scenario', scenario, '--owner', `${process.pid}`, '--folder', folder]
    const [command, args] = inNamespace(lab.hub, [process.execPath, join(import.meta.dirname, 'run.ts'), ...given])
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: authority.file }
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env })
    const [output, code] = await Promise.all([text(child.stdout), once(child, 'exit')])
    if (code[0] !== 0) throw new Error(`The run ended with ${code.find((part) => part !== null)}`)
    return JSON.parse(output) as Report
  } finally {
    cleanUp()
    if (values.keep) process.stderr.write(`Logs, stores and keys: ${folder}\n`)
  }
}

const scenario = resolve(values.scenario)
const report = await play(scenario)
const seeds = Number(values.simulate)
const simulated = seeds > 0 ? await simulate(scenario, seeds) : undefined
process.stdout.write(values.json ? `${JSON.stringify({ ...report, simulated }, null, 2)}\n` : table(report, simulated))
process.exitCode = report.violations.length === 0 ? 0 : 1
