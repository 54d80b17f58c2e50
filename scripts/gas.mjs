// Compares the gas of each action (contracts/test/Gas.t.sol) and the size of each contract with what is committed, and fails
// where they differ. `--update` commits to the present ones: snapshots/contracts.json and the tables of docs/contracts/gas.md.
// Expects the contracts to be built.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('..', import.meta.url)
const update = process.argv.includes('--update')
const snapshot = new URL('snapshots/contracts.json', root)
const page = new URL('docs/contracts/gas.md', root)
const contracts = ['NeighborhoodRegistry', 'ServerRegistry', 'ComplianceRegistry']

/** Bytes that a contract may have; the chains allow 24,576. */
const BUDGETS = { NeighborhoodRegistry: 13_500, ServerRegistry: 23_500, ComplianceRegistry: 14_500 }

/** The design's aims: an action, what it may cost without its P-256 signatures, and how many those are. */
const AIMS = [
  ['register', 225_000, 1],
  ['rotateKey', 70_000, 1],
  ['requestExit of an active server', 45_000, 0],
  ['withdraw', 60_000, 0],
  ['slashRelay', 110_000, 2],
  ['attest with eleven signatures, prolongs', 200_000, 11],
]
const VERIFICATION = 6_900

function measureGas() {
  const cli = fileURLToPath(new URL('node_modules/hardhat/dist/src/cli.js', root))
  const args = [cli, 'test', 'solidity', '--snapshot', 'contracts/test/Gas.t.sol']
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: fileURLToPath(root), encoding: 'utf8', stdio: ['ignore', 'pipe', 2] })
  // The gas of the test functions themselves says nothing.
  rmSync(new URL('.gas-snapshot', root), { force: true })
  if (status !== 0) {
    process.stderr.write(stdout)
    process.exit(1)
  }
  const entries = Object.entries(JSON.parse(readFileSync(snapshot, 'utf8')))
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function sizeOf(contract) {
  const artifact = new URL(`artifacts/contracts/src/${contract}.sol/${contract}.json`, root)
  return (JSON.parse(readFileSync(artifact, 'utf8')).deployedBytecode.length - 2) / 2
}

const number = (value) => Number(value).toLocaleString('en')

/** Replaces what stands between two marks of the page. */
function fill(text, mark, rows) {
  const [begin, end] = [`<!-- ${mark} -->`, `<!-- end of ${mark} -->`]
  const [before, after] = [text.indexOf(begin), text.indexOf(end)]
  if (before < 0 || after < 0) throw new Error(`docs/contracts/gas.md lacks the marks of ${mark}`)
  return `${text.slice(0, before + begin.length)}\n${rows.join('\n')}\n${text.slice(after)}`
}

function pageOf(gas, sizes) {
  const actions = Object.entries(gas).map(([action, value]) => `| ${action} | ${number(value)} |`)
  const bytes = sizes.map(([name, size]) => `| \`${name}\` | ${number(size)} | ${number(BUDGETS[name])} | 24,576 |`)
  const aims = AIMS.map(([action, aim, signatures]) => {
    const value = Number(gas[action]) - signatures * VERIFICATION
    const verdict = value <= aim ? 'kept' : `${number(value - aim)} over`
    return `| ${action} | ${number(value)} | ${number(aim)} | ${verdict} |`
  })
  const head = ['| action | gas without signatures | aim | |', '|---|--:|--:|---|']
  const measured = fill(readFileSync(page, 'utf8'), 'gas', ['| action | gas |', '|---|--:|', ...actions])
  const text = fill(measured, 'aims', [...head, ...aims])
  return fill(text, 'sizes', ['| contract | bytes | budget | limit |', '|---|--:|--:|--:|', ...bytes])
}

const committed = readFileSync(snapshot, 'utf8')
let problems = []
try {
  const gas = measureGas()
  const sizes = contracts.map((name) => [name, sizeOf(name)])
  problems = sizes
    .filter(([name, size]) => size > BUDGETS[name])
    .map(([name, size]) => `${name} has ${size} bytes, over its ${BUDGETS[name]}`)
  if (update) {
    writeFileSync(page, pageOf(gas, sizes))
    writeFileSync(snapshot, `${JSON.stringify(gas, null, 2)}\n`)
  } else {
    const before = JSON.parse(committed)
    for (const action of new Set([...Object.keys(before), ...Object.keys(gas)])) {
      if (before[action] !== gas[action]) problems.push(`${action}: ${before[action] ?? 'not known'} → ${gas[action] ?? 'not measured'}`)
    }
    if (problems.length === 0 && readFileSync(page, 'utf8') !== pageOf(gas, sizes)) problems.push('docs/contracts/gas.md has other numbers')
  }
} finally {
  if (!update) writeFileSync(snapshot, committed)
}
if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\nIf that is meant, run npm run gas:update and say why in the commit.\n`)
  process.exit(1)
}
