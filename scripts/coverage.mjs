// Measures which lines and branches of contracts/src the Solidity tests of cases run, prints them by file and fails below 95 %. In a copy of
// the tree, Hardhat's own instrumentation reports each statement and so each line. It knows no branches: for them, every
// condition is wrapped by a probe that reports whether it was true and whether it was false. Counted are both outcomes of each
// `if`, `?:`, loop, and operand of `&&` and `||`, and both ends of each `try`.
import { spawnSync } from 'node:child_process'
import { globSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import solc from 'solc'
import { copyContracts, hardhat } from './contracts-copy.mjs'

const MINIMUM = 95
/** First tag of the probes; what Hardhat reports are hashes. */
const FIRST_TAG = 1n << 32n
const PROBE = 'Probe.sol'
const library = `// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

library Probe {
    function outcome(uint256 tag, bool value) internal pure returns (bool) {
        hit(value ? tag + 1 : tag);
        return value;
    }

    function hit(uint256 tag) internal pure {
        function(uint256) internal view send = _send;
        function(uint256) internal pure pretended;
        assembly {
            pretended := send
        }
        pretended(tag);
    }

    function _send(uint256 tag) private view {
        assembly ("memory-safe") {
            mstore(0, tag)
            pop(staticcall(gas(), 0xc0bEc0BEc0BeC0bEC0beC0bEC0bEC0beC0beC0BE, 0, 32, 0, 0))
        }
    }
}
`

/** Every node of the tree, parents first. */
function* walk(node) {
  if (node === null || typeof node !== 'object') return
  if (typeof node.nodeType === 'string') yield node
  for (const child of Object.values(node)) {
    if (Array.isArray(child)) for (const item of child) yield* walk(item)
    else yield* walk(child)
  }
}

const isLogic = (node) => node.nodeType === 'BinaryOperation' && (node.operator === '&&' || node.operator === '||')

/** What is to be wrapped in the file, and which blocks are to be marked. */
function branchesOf(ast) {
  const conditions = []
  const blocks = []
  for (const node of walk(ast)) {
    const loop = node.nodeType === 'ForStatement' || node.nodeType === 'WhileStatement'
    if (loop || node.nodeType === 'IfStatement' || node.nodeType === 'Conditional') conditions.push(node.condition)
    if (isLogic(node)) conditions.push(...[node.leftExpression, node.rightExpression].filter((side) => !isLogic(side)))
    if (node.nodeType === 'TryStatement') blocks.push(...node.clauses.map((clause) => clause.block))
  }
  return { conditions: conditions.filter((condition) => condition && !isLogic(condition)), decisions: conditions.filter(isLogic), blocks }
}

function spanOf(node) {
  const [start, length] = node.src.split(':').map(Number)
  return { start, end: start + length }
}

let nextTag = FIRST_TAG

/** Wraps the conditions of one file. @returns its branches: where they are and the tags of their outcomes */
function instrument(path, source) {
  const input = {
    language: 'Solidity',
    sources: { [path]: { content: source } },
    settings: { stopAfter: 'parsing', outputSelection: { '*': { '': ['ast'] } } },
  }
  const { ast } = JSON.parse(solc.compile(JSON.stringify(input))).sources[path]
  const bytes = Buffer.from(source)
  const { conditions, decisions, blocks } = branchesOf(ast)
  const branches = []
  const insertions = []
  const line = (at) => bytes.subarray(0, at).toString().split('\n').length
  for (const condition of [...decisions, ...conditions]) {
    const { start, end } = spanOf(condition)
    const text = bytes.subarray(start, end).toString()
    branches.push(
      { line: line(start), what: `${text} is false`, tag: nextTag },
      { line: line(start), what: `${text} is true`, tag: nextTag + 1n },
    )
    // At one place, the outer opens first and closes last.
    insertions.push({ at: start, text: `Probe.outcome(${nextTag}, `, order: -(end - start) }, { at: end, text: ')', order: end - start })
    nextTag += 2n
  }
  for (const block of blocks) {
    const { start } = spanOf(block)
    branches.push({ line: line(start), what: 'try or catch', tag: nextTag })
    insertions.push({ at: start + 1, text: `Probe.hit(${nextTag});`, order: 0 })
    nextTag += 1n
  }
  insertions.sort((a, b) => a.at - b.at || sideOf(a) - sideOf(b) || a.order - b.order)
  let written = ''
  let done = 0
  for (const { at, text } of insertions) {
    written += bytes.subarray(done, at).toString() + text
    done = at
  }
  written += bytes.subarray(done).toString()
  return { branches, written }
}

/** What closes at a place comes before what opens there. */
const sideOf = ({ text }) => (text === ')' ? 0 : 1)

function linesOf(copy) {
  const files = new Map()
  for (const record of readFileSync(join(copy, 'coverage', 'lcov.info'), 'utf8').split('end_of_record')) {
    const file = /SF:(.*)/.exec(record)?.[1]
    if (!file) continue
    const lines = [...record.matchAll(/^DA:(\d+),(\d+)/gm)].map(([, line, hits]) => ({ line: Number(line), hit: hits !== '0' }))
    files.set(file.replace(/^.*contracts\/src\//, ''), lines)
  }
  return files
}

function tagsOf(copy) {
  const folder = join(copy, 'coverage', 'data', 'solidity')
  const files = readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')))
  return new Set(files.flatMap((file) => Object.keys(file)))
}

const share = (hit, all) => (all === 0 ? 100 : (100 * hit) / all)
const cell = (hit, all) => `${share(hit, all).toFixed(1).padStart(5)} % ${`(${hit}/${all})`.padStart(9)}`

function report(copy, branches) {
  const tags = tagsOf(copy)
  const lines = linesOf(copy)
  const total = { lines: 0, hitLines: 0, branches: 0, hitBranches: 0 }
  for (const [file, all] of branches) {
    const open = all.filter(({ tag }) => !tags.has(tag.toString(16).padStart(64, '0')))
    const fileLines = lines.get(file) ?? []
    const missed = fileLines.filter(({ hit }) => !hit)
    if (all.length === 0 && fileLines.length === 0) continue
    total.lines += fileLines.length
    total.hitLines += fileLines.length - missed.length
    total.branches += all.length
    total.hitBranches += all.length - open.length
    const columns = [cell(fileLines.length - missed.length, fileLines.length), cell(all.length - open.length, all.length)]
    process.stdout.write(`${file.padEnd(36)} ${columns.join('  ')}\n`)
    for (const { line } of missed) process.stdout.write(`  line ${line} never ran\n`)
    for (const { line, what } of open) process.stdout.write(`  line ${line}: never ${what.replace(/\s+/g, ' ')}\n`)
  }
  process.stdout.write(`${'all'.padEnd(36)} ${cell(total.hitLines, total.lines)}  ${cell(total.hitBranches, total.branches)}\n`)
  return Math.min(share(total.hitLines, total.lines), share(total.hitBranches, total.branches))
}

const copy = copyContracts()
try {
  const folder = join(copy, 'contracts', 'src')
  const branches = new Map()
  for (const path of globSync('**/*.sol', { cwd: folder }).sort()) {
    if (path.startsWith('test-tokens')) continue
    const { branches: found, written } = instrument(path, readFileSync(join(folder, path), 'utf8'))
    branches.set(path, found)
    const probe = `${'../'.repeat(path.split('/').length - 1) || './'}${PROBE}`
    if (found.length > 0) writeFileSync(join(folder, path), `${written}import {Probe} from "${probe}";\n`)
  }
  writeFileSync(join(folder, PROBE), library)
  const env = { ...process.env, HARDHAT_DISABLE_TELEMETRY: 'true' }
  const options = { cwd: copy, env, stdio: ['ignore', 2, 2] }
  // What the invariants' random walks come across would hide what no test asks for, and the probes cost gas.
  const args = [...hardhat, '--coverage', 'test', 'solidity', '--grep-exclude', 'invariant_|HandlerReaches|_Gas_']
  const { status } = spawnSync(process.execPath, args, options)
  if (status !== 0) throw new Error('the tests fail')
  if (report(copy, branches) < MINIMUM) process.exitCode = 1
} finally {
  rmSync(copy, { recursive: true })
}
