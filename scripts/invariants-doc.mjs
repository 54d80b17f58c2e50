// Writes docs/security/invariants.md from the invariants' tests and the mutations planted for them. `--check` fails when the
// committed page differs, when an invariant lacks a test or a mutation, and when a mutation no longer fits the contracts.
import { readFileSync, writeFileSync } from 'node:fs'

const root = new URL('..', import.meta.url)
const read = (path) => readFileSync(new URL(path, root), 'utf8')

/** The design's fifteen. */
const INVARIANTS = [
  'A token’s balance covers the stakes in it and what slashes left (and, once there is a vault, undistributed revenue)',
  'The liability in a token is the sum of its stakes',
  'What is done in one neighborhood never changes another’s balances',
  'A key belongs to one server for ever',
  'No registration, and no rotation, without a signature of that key',
  'An active server is attested, had the least stake when it became active, and has its endpoint to itself',
  'The active count is the number of active servers, at most the maximum; what has lapsed never counts to a quorum',
  'No withdrawal before `unlockAt`, which never moves',
  'Evidence that counts at one time counts until the withdrawal',
  'A slash happens once, is at most the stake, and is the reward and the burn',
  'A server that signed one hash for each position is never slashable',
  'A quorum counts distinct eligible operators',
  'Claimed revenue ≤ added ≤ funded, and claims only grow',
  'Parameters are within bounds, change as announced, and never alter a pending exit',
  'Terminal is terminal; exit and withdrawal work in a pause and whatever other tokens and accounts do',
]
/** Nothing holds revenue yet. */
const WITHOUT_CONTRACT = 13

const problems = []
const tests = [...read('contracts/test/invariants/Checks.sol').matchAll(/function (invariant_(\d\d)_\w+)/g)].map(([, name, number]) => ({
  name,
  invariant: Number(number),
}))
const mutations = JSON.parse(read('contracts/test/mutations.json'))
for (const { file, find, why } of mutations) {
  const times = read(`contracts/src/${file}`).split(find).length - 1
  if (times !== 1) problems.push(`the text of “${why}” occurs ${times} times in ${file}`)
}

const caught = ({ by }) => (by ? `\`${by}\`` : 'not run yet')

function rowsOf(invariant) {
  const number = invariant + 1
  if (number === WITHOUT_CONTRACT) return [`| ${number} | ${INVARIANTS[invariant]} | none: no contract holds revenue yet | | |`]
  const names = tests.filter((test) => test.invariant === number).map(({ name }) => `\`${name}\``)
  const planted = mutations.filter((mutation) => mutation.invariant === number)
  if (names.length === 0 || planted.length === 0) problems.push(`invariant ${number} has no test or no mutation`)
  return planted.map((mutation, i) => {
    const [first, second, third] = i === 0 ? [number, INVARIANTS[invariant], names.join(' ')] : ['', '', '']
    return `| ${first} | ${second} | ${third} | \`${mutation.file}\`: ${mutation.why} | ${caught(mutation)} |`
  })
}

const others = mutations.filter(({ invariant }) => invariant === undefined)
const page = `# What always holds, and how it is tested

Generated from \`contracts/test/invariants\` and \`contracts/test/mutations.json\` by \`node scripts/invariants-doc.mjs\`.

Four neighborhoods, two of which stake one token and one of which stakes a token that fails on command, with operators, payout accounts,
attesters, reporters, owners, a guardian and strangers who do at random what they can: register (rightly, or with somebody else's
signature), rotate, move, exit, withdraw, attest with and without a quorum, let lapse, prune, slash with true evidence, accuse with false
evidence, stage and apply parameters, pause, send tokens, wait. Beside the contracts runs a model that knows only what was done. After
every action the contracts must be what the model says; a refusal that must not be counts like a success that must not be.
\`test_HandlerReachesEverything\` shows in fixed walks that every action succeeds and every fault is refused somewhere.

A test that never fails proves nothing. \`npm run mutations\` plants each of the mistakes below in a copy of the contracts and requires that
the named invariant, and not just anything, fails. The last column is the test that did when it was last run with \`--record\`.

| | invariant | tests | planted mistake | caught by |
|--:|---|---|---|---|
${INVARIANTS.flatMap((_, i) => rowsOf(i)).join('\n')}

## Mistakes that the tests of cases catch

| planted mistake | in | caught by |
|---|---|---|
${others.map((mutation) => `| ${mutation.why} | \`${mutation.file}\` | \`${mutation.test}\`: ${caught(mutation)} |`).join('\n')}
`

const file = new URL('docs/security/invariants.md', root)
if (process.argv.includes('--check')) {
  if (read('docs/security/invariants.md') !== page)
    problems.push('docs/security/invariants.md is out of date: run node scripts/invariants-doc.mjs')
} else {
  writeFileSync(file, page)
}
if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`)
  process.exit(1)
}
