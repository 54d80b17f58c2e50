// Writes the file that indexer, CLI and SDK read from what Ignition's journal says of a deployment:
// node scripts/deployment.mjs <folder> [--name <text>] [--discovery <url>]... [--out <file>]
// Without --out it goes to contracts/deployments, which is for public chains: the next `npm run contracts:build` makes it known.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { parseDeployment } from '../contracts/abi/deployments.ts'

const root = join(import.meta.dirname, '..')
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { name: { type: 'string' }, discovery: { type: 'string', multiple: true }, out: { type: 'string' } },
})

function fail(message) {
  console.error(message)
  process.exit(1)
}

/** Addresses by the contracts' names, without that of their module. */
function addresses(folder) {
  const deployed = JSON.parse(readFileSync(join(folder, 'deployed_addresses.json'), 'utf8'))
  return Object.fromEntries(Object.entries(deployed).map(([future, address]) => [future.split('#')[1], address]))
}

/** Chain and, for each contract that a transaction deployed, that transaction and its block. */
function journal(folder) {
  const lines = readFileSync(join(folder, 'journal.jsonl'), 'utf8').split('\n').filter(Boolean)
  const entries = lines.map((line) => JSON.parse(line))
  const confirmed = entries.filter(({ type }) => type === 'TRANSACTION_CONFIRM')
  const deploying = confirmed.map(({ futureId, hash, receipt }) => [futureId.split('#')[1], { hash, block: receipt.blockNumber }])
  return { chainId: entries.find(({ type }) => type === 'DEPLOYMENT_INITIALIZE')?.chainId, transactions: Object.fromEntries(deploying) }
}

const [folder] = positionals
if (!folder || positionals.length > 1)
  fail('Usage: node scripts/deployment.mjs <folder> [--name <text>] [--discovery <url>]... [--out <file>]')
if (!existsSync(join(folder, 'deployed_addresses.json'))) fail(`There is no deployment by Ignition in ${folder}.`)
const { NeighborhoodRegistry, ServerRegistry, ComplianceRegistry, DevToken } = addresses(folder)
const { chainId, transactions } = journal(folder)
if (!ComplianceRegistry) fail('The deployment is not complete: run it again, it goes on where it stopped.')
if (DevToken && !values.out) fail('This deployment has a token that anyone can mint: give --out, it is none for the list of public ones.')

const deployment = parseDeployment({
  chainId,
  ...(values.name ? { name: values.name } : {}),
  startBlock: transactions.NeighborhoodRegistry.block,
  neighborhoodRegistry: NeighborhoodRegistry,
  serverRegistry: ServerRegistry,
  complianceRegistry: ComplianceRegistry,
  ...(DevToken ? { stakeToken: DevToken } : {}),
  ...(values.discovery ? { discovery: values.discovery } : {}),
})
const out = values.out ?? join(root, 'contracts', 'deployments', `${chainId}.json`)
mkdirSync(dirname(out), { recursive: true })
// For scripts/verify-deployment.mjs; nothing else reads them.
const created = { neighborhoodRegistry: transactions.NeighborhoodRegistry.hash, serverRegistry: transactions.ServerRegistry.hash }
writeFileSync(out, `${JSON.stringify({ ...deployment, transactions: created }, null, 2)}\n`)
console.error(`Wrote ${out}.`)
