// Plants each mutation of contracts/test/mutations.json in a copy of the contracts and requires that the test it names
// fails: an invariant by its number, or a test file. `--only 7` takes those of one invariant, `--only Gas` those of the files
// with that in their names, `--json` prints the results as JSON, `--record` notes in that file which test caught what. Takes a
// quarter of an hour or more; the contracts of the tree are never touched.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { copyContracts, hardhat, root } from './contracts-copy.mjs'

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, json: { type: 'boolean', default: false }, record: { type: 'boolean' } },
})
const suite = 'contracts/test/Invariants.t.sol'

const testOf = ({ invariant, test }) => (invariant === undefined ? test : `invariant ${invariant}`)

function wanted(mutation) {
  if (options.only === undefined) return true
  return /^\d+$/.test(options.only) ? mutation.invariant === Number(options.only) : (mutation.test ?? '').includes(options.only)
}

function copyTree() {
  const copy = copyContracts()
  // Nobody reads the counterexamples, which take longer to shorten than to find.
  const config = join(copy, 'hardhat.config.ts')
  writeFileSync(config, readFileSync(config, 'utf8').replace('failOnRevert: true', 'failOnRevert: true, shrinkRunLimit: 0'))
  return copy
}

function run(copy, ...args) {
  const env = { ...process.env, HARDHAT_DISABLE_TELEMETRY: 'true', NO_COLOR: '1' }
  const { status, stdout, stderr } = spawnSync(process.execPath, [...hardhat, ...args], {
    cwd: copy,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  return { passed: status === 0, output: `${stdout}${stderr}` }
}

/** The names of the tests that failed; `undefined` if the tests could not run at all. */
function failures(copy, ...args) {
  const built = run(copy, 'build', '--no-tests')
  if (!built.passed) return { output: built.output }
  const { passed, output } = run(copy, 'test', 'solidity', ...args)
  const names = [...output.matchAll(/^\s+\d+\) (\w+)\(/gm)].map(([, name]) => name)
  if (!passed && names.length === 0) return { output }
  return { names: passed ? [] : names }
}

const prefixOf = ({ invariant }) => (invariant === undefined ? 'test' : `invariant_${String(invariant).padStart(2, '0')}_`)

const fileOf = ({ test }) => (test === undefined ? suite : `contracts/test/${test}`)

/** @returns the mutation with `status`: `caught`, `survived` or `broken` (it did not compile, or nothing could be tested) */
function plant(copy, mutation) {
  const file = join(copy, 'contracts', 'src', mutation.file)
  const source = readFileSync(file, 'utf8')
  const parts = source.split(mutation.find)
  if (parts.length !== 2) return { ...mutation, status: 'broken', by: `its text occurs ${parts.length - 1} times` }
  writeFileSync(file, parts.join(mutation.replace))
  try {
    const { names, output } = failures(copy, fileOf(mutation), '--grep', prefixOf(mutation))
    if (names === undefined) return { ...mutation, status: 'broken', by: output.slice(-2000) }
    const by = names.filter((name) => name.startsWith(prefixOf(mutation)))
    return { ...mutation, status: by.length > 0 ? 'caught' : 'survived', by: by.join(', ') }
  } finally {
    writeFileSync(file, source)
  }
}

function print(line) {
  ;(options.json ? process.stderr : process.stdout).write(`${line}\n`)
}

const data = join(root, 'contracts/test/mutations.json')
const all = JSON.parse(readFileSync(data, 'utf8'))
const mutations = all.filter(wanted)
const copy = copyTree()
const results = []
try {
  const prefixes = [...new Set(mutations.map(prefixOf))].join('|')
  const { names, output = '' } = failures(copy, ...new Set(mutations.map(fileOf)), '--grep', prefixes)
  if (names === undefined || names.length > 0) throw new Error(`without a mutation fails: ${names?.join(', ') ?? output}`)
  print('every test passes without a mutation')
  for (const mutation of mutations) {
    const result = plant(copy, mutation)
    results.push(result)
    print(`${result.status.padEnd(8)} ${testOf(result).padEnd(30)} ${result.why}${result.status === 'broken' ? `: ${result.by}` : ''}`)
  }
} finally {
  rmSync(copy, { recursive: true })
}
if (options.record) {
  const caught = new Map(
    results.map(({ file, find, replace, status, by }) => [`${file} ${find} ${replace}`, status === 'caught' ? by : undefined]),
  )
  const noted = all.map((mutation) => {
    const key = `${mutation.file} ${mutation.find} ${mutation.replace}`
    return caught.has(key) ? { ...mutation, by: caught.get(key) } : mutation
  })
  writeFileSync(data, `${JSON.stringify(noted, null, 2)}\n`)
}
const missed = results.filter(({ status }) => status !== 'caught')
print(`${results.length - missed.length} of ${results.length} mutations caught`)
if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
process.exit(missed.length === 0 ? 0 : 1)
