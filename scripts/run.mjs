// What `npm start`, `npm test` and `npm run bench` run. Plain Node without dependencies: it is what installs them.
import { execFile, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ensureNode, linkNode, npm } from './node/ensure.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const bin = join(root, 'node_modules', '.bin')
const [task, ...args] = process.argv.slice(2)

/** `npm ci` unless node_modules already came from this lock file under this Node. */
function installDependencies(node) {
  const lock = readFileSync(join(root, 'package-lock.json'))
  const stamp = createHash('sha256').update(lock).update(node).digest('hex')
  const stampFile = join(root, 'node_modules', '.dred-install')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  process.stderr.write('Installing dependencies (once) …\n')
  process.env.DRED_BOOTSTRAP = '1'
  npm(node, ['ci', '--no-fund', '--no-audit'])
  linkNode(node)
  writeFileSync(stampFile, stamp)
}

const node = ensureNode()
installDependencies(node)

const env = {
  ...process.env,
  PATH: [dirname(node), bin, process.env.PATH].join(delimiter),
  HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true',
  HARDHAT_DISABLE_TELEMETRY: 'true',
}

/** Runs a program to its end; what it prints goes to stderr unless it is the task itself. */
function run(label, [command, ...commandArgs], stdout = 2) {
  process.stderr.write(`▸ ${label}\n`)
  const { status, error, signal } = spawnSync(command, commandArgs, { cwd: root, env, stdio: ['inherit', stdout, 2] })
  if (error) throw error
  if (signal) process.kill(process.pid, signal)
  if (status !== 0) process.exit(status ?? 1)
}

const tool = (name) => join(bin, name)
const tsc = [node, join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b']
const build = (...projects) => run('build', [...tsc, ...projects])

const checks = [
  ['build', tsc],
  ['format', [tool('biome'), 'format', '.']],
  ['lint', [tool('oxlint'), '--type-aware', '--deny-warnings']],
  ['unused code', [tool('knip'), '--no-progress']],
  ['lock file', [node, 'scripts/lock.mjs', '--check']],
  ['error page', [node, 'scripts/errors-doc.mjs', '--check']],
  ['errors of the routes', [node, 'scripts/route-errors-doc.mjs', '--check']],
  ['page of metrics', [node, 'scripts/metrics-doc.mjs', '--check']],
  ['page of invariants', [node, 'scripts/invariants-doc.mjs', '--check']],
]

const contracts = [
  ['contracts', [tool('hardhat'), 'test', 'solidity']],
  ['gas and sizes', [node, 'scripts/gas.mjs']],
  ['generated ABIs', [node, 'scripts/abi.mjs', '--check']],
  ['contract reference', [node, 'scripts/contract-docs.mjs', '--check']],
]

/** Runs lists of programs side by side, each list in order; what a program printed goes to stderr when it has ended. */
async function sideBySide(...lists) {
  const stop = new AbortController()
  const options = { cwd: root, env, maxBuffer: Infinity, signal: stop.signal }
  const execute = async ([label, [command, ...commandArgs]]) => {
    const start = performance.now()
    const { code = 0, signal, stdout, stderr } = await promisify(execFile)(command, commandArgs, options).catch((error) => error)
    if (stop.signal.aborted) return
    const how = code === 0 ? '' : ` failed with ${signal ?? code}`
    process.stderr.write(`▸ ${label}${how} (${((performance.now() - start) / 1_000).toFixed(1)} s)\n${stdout}${stderr}`)
    if (code !== 0) stop.abort()
  }
  await Promise.all(
    lists.map(async (list) => {
      for (const program of list) if (!stop.signal.aborted) await execute(program)
    }),
  )
  if (stop.signal.aborted) process.exit(1)
}

if (task === 'start') {
  build()
  const child = spawn(node, [join(root, 'cli', 'bin', 'run.js'), 'dev', '--example', 'poker', ...args], {
    cwd: root,
    env,
    stdio: 'inherit',
  })
  // The terminal signals the whole group; the wrapper stays until the child has put everything away.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  // npm runs scripts by a shell, and that one ends on npm's SIGTERM without telling anybody.
  const shell = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(watch)
    child.kill('SIGTERM')
  }, 500)
  watch.unref()
  child.on('exit', (code, signal) => process.exit(signal ? 130 : (code ?? 1)))
} else if (task === 'check') {
  await sideBySide(checks)
} else if (task === 'bench') {
  build('node')
  run('benchmark', [node, 'bench/main.ts', ...args], 'inherit')
} else if (task === 'test' && args.length > 0) {
  build()
  run('tests', [tool('vitest'), 'run', ...args], 'inherit')
} else if (task === 'test') {
  // The compiler of the contracts takes a minute of one core.
  await sideBySide(checks, contracts)
  run('tests', [tool('vitest'), 'run'], 'inherit')
} else {
  process.stderr.write(`run.mjs: unknown task ${task}\n`)
  process.exit(2)
}
