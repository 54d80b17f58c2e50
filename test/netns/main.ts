// Ten real servers, each a host of its own, over a bad network: node test/netns/main.ts [--scenario FILE] [--json] [--keep]
// Needs Linux, root, ip, openssl, curl and redis-server. One run at a time: a new one ends an older one.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Authority } from './authority.ts'
import { createLab, inNamespace, lab, removeLab, whyNot } from './lab.ts'
import { readScenario } from './scenario.ts'

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', default: join(import.meta.dirname, '../sim/scenarios/ten-netem.json') },
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

const LEFTOVERS = 'dred-netns-'
cleanUp()
const folder = mkdtempSync(join(tmpdir(), values.keep ? 'dred-kept-' : LEFTOVERS))

/** Of this run and of earlier ones that could not do it. */
function cleanUp(): void {
  removeLab()
  for (const name of readdirSync(tmpdir())) {
    if (name.startsWith(LEFTOVERS)) rmSync(join(tmpdir(), name), { recursive: true, force: true, maxRetries: 5 })
  }
}

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
for (const [signal, code] of Object.entries(signals)) {
  process.once(signal, () => {
    cleanUp()
    process.exit(code)
  })
}

try {
  const scenario = resolve(values.scenario)
  createLab(readScenario(scenario).servers)
  const authority = new Authority(folder)
  authority.create()
  const runner = [process.execPath, join(import.meta.dirname, 'run.ts'), '--scenario', scenario, '--folder', folder]
  const [command, args] = inNamespace(lab.hub, values.json ? [...runner, '--json'] : runner)
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: authority.file }
  const child = spawn(command, args, { stdio: ['pipe', 'inherit', 'inherit'], env })
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exitCode = code ?? 1
} finally {
  cleanUp()
  if (values.keep) process.stderr.write(`Logs, stores and keys: ${folder}\n`)
}
