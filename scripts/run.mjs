// What `npm start`, `npm test` and `npm run bench` run. Plain Node without dependencies: it is what installs them.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
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

const build = (...projects) => run('build', [node, join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', ...projects])

const tool = (name) => join(bin, name)

function check() {
  build()
  run('format', [tool('biome'), 'format', '.'])
  run('lint', [tool('oxlint'), '--type-aware', '--deny-warnings'])
  run('unused code', [tool('knip'), '--no-progress'])
  run('lock file', [node, 'scripts/lock.mjs', '--check'])
  run('error page', [node, 'scripts/errors-doc.mjs', '--check'])
  run('errors of the routes', [node, 'scripts/route-errors-doc.mjs', '--check'])
  run('page of metrics', [node, 'scripts/metrics-doc.mjs', '--check'])
  run('page of invariants', [node, 'scripts/invariants-doc.mjs', '--check'])
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
  check()
} else if (task === 'bench') {
  build('node')
  run('benchmark', [node, 'bench/main.ts', ...args], 'inherit')
} else if (task === 'test' && args.length > 0) {
  build()
  run('tests', [tool('vitest'), 'run', ...args], 'inherit')
} else if (task === 'test') {
  check()
  run('contracts', [tool('hardhat'), 'test', 'solidity'], 'inherit')
  run('gas and sizes', [node, 'scripts/gas.mjs'])
  run('generated ABIs', [node, 'scripts/abi.mjs', '--check'])
  run('contract reference', [node, 'scripts/contract-docs.mjs', '--check'])
  run('tests', [tool('vitest'), 'run'], 'inherit')
} else {
  process.stderr.write(`run.mjs: unknown task ${task}\n`)
  process.exit(2)
}
