// Says whether the contracts of a deployment are those of this repository:
// DRED_RPC_URL=… node scripts/verify-deployment.mjs <deployment file>
// It compares the code that runs, and, where the file names them, the transactions that created it. It needs `npm run contracts:build`.
// Exit code 0: they are; 1: they are not, with every difference; 2: it could not be found out.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPublicClient, domainSeparator, encodeDeployData, getAddress, http, keccak256, numberToHex, pad, stringToHex } from 'viem'
import { parseDeployment } from '../contracts/abi/deployments.ts'
import {
  complianceRegistryAbi,
  complianceRegistryBytecode,
  neighborhoodRegistryAbi,
  neighborhoodRegistryBytecode,
  serverRegistryAbi,
  serverRegistryBytecode,
} from '../contracts/abi/index.ts'

const [file, ...rest] = process.argv.slice(2)
const url = process.env.DRED_RPC_URL
if (!file || rest.length > 0 || !url) {
  console.error('Usage: DRED_RPC_URL=… node scripts/verify-deployment.mjs <deployment file>')
  process.exit(2)
}

function giveUp(error) {
  console.error(`Nothing can be said of the deployment: ${error.shortMessage ?? error.message}`)
  process.exit(2)
}

function readDeployment() {
  try {
    const json = JSON.parse(readFileSync(file, 'utf8'))
    return { json, deployment: parseDeployment(json) }
  } catch (error) {
    return giveUp(error)
  }
}

const { json, deployment } = readDeployment()
const client = createPublicClient({ transport: http(url) })
const problems = []

function expect(what, found, wanted) {
  if (String(found).toLowerCase() !== String(wanted).toLowerCase()) problems.push(`${what} is ${found}, not ${wanted}`)
}

function artifactOf(contract, committedBytecode) {
  const path = join(import.meta.dirname, '..', 'artifacts', 'contracts', 'src', `${contract}.sol`, `${contract}.json`)
  const artifact = JSON.parse(readFileSync(path, 'utf8'))
  if (artifact.bytecode !== committedBytecode)
    throw new Error(`The build of ${contract} is not the committed one: run npm run contracts:build.`)
  return artifact
}

/** The code that runs at an address is the build's, but for the immutables, which are among `allowed` and the same at every place. */
async function compareCode(name, { address, artifact, allowed }) {
  const code = await client.getCode({ address })
  const built = artifact.deployedBytecode
  if (code.length !== built.length) {
    problems.push(`${name}: there is other code at ${address}`)
    return
  }
  let masked = code
  for (const places of Object.values(artifact.immutableReferences)) {
    const values = places.map(({ start, length }) => `0x${code.slice(2 + 2 * start, 2 + 2 * (start + length))}`)
    if (!values.every((value) => value === values[0] && allowed.includes(value))) problems.push(`${name}: an immutable is ${values[0]}`)
    for (const { start, length } of places) {
      masked = masked.slice(0, 2 + 2 * start) + '0'.repeat(2 * length) + masked.slice(2 + 2 * (start + length))
    }
  }
  if (masked !== built) problems.push(`${name}: there is other code at ${address}`)
}

/** The transaction created the contract by the committed bytecode: nothing else can have written to its storage before. */
async function compareCreation(name, { hash, address, data }) {
  if (!hash) {
    console.error(`${name}: the file names no transaction that created it, so only its code is compared`)
    return
  }
  const [transaction, receipt] = await Promise.all([client.getTransaction({ hash }), client.getTransactionReceipt({ hash })])
  expect(`${name}: what ${hash} created`, receipt.contractAddress, address)
  if (transaction.input !== data) problems.push(`${name}: it was not created by the committed bytecode and the arguments it names`)
}

/** What OpenZeppelin's EIP712 keeps in immutables. */
function eip712Values(name, verifyingContract) {
  const version = '1'
  const shortString = (text) => numberToHex(BigInt(pad(stringToHex(text), { dir: 'right' })) | BigInt(text.length), { size: 32 })
  const separator = domainSeparator({ domain: { name, version, chainId: deployment.chainId, verifyingContract } })
  const hashes = [name, version].map((text) => keccak256(stringToHex(text)))
  return [separator, ...hashes, ...[name, version].map(shortString), numberToHex(deployment.chainId, { size: 32 })]
}

const word = (address) => pad(address.toLowerCase())
const [neighborhoodRegistry, serverRegistry, complianceRegistry] = [
  deployment.neighborhoodRegistry,
  deployment.serverRegistry,
  deployment.complianceRegistry,
].map((address) => getAddress(address.toLowerCase()))
const neighborhoods = { address: neighborhoodRegistry, abi: neighborhoodRegistryAbi }
const servers = { address: serverRegistry, abi: serverRegistryAbi }
const compliance = { address: complianceRegistry, abi: complianceRegistryAbi }
const artifacts = {
  neighborhoods: artifactOf('NeighborhoodRegistry', neighborhoodRegistryBytecode),
  servers: artifactOf('ServerRegistry', serverRegistryBytecode),
  compliance: artifactOf('ComplianceRegistry', complianceRegistryBytecode),
}

async function verify() {
  const chainId = await client.getChainId()
  expect('the chain', chainId, deployment.chainId)
  for (const address of [neighborhoodRegistry, serverRegistry, complianceRegistry]) {
    if ((await client.getCode({ address })) === undefined) problems.push(`there is no contract at ${address} on chain ${chainId}`)
  }
  if (problems.length > 0) return undefined
  const read = (contract, functionName) => client.readContract({ ...contract, functionName }).catch(() => 'not to be read')
  const guardian = await read(neighborhoods, 'guardian')
  expect('the neighborhood registry of the server registry', await read(servers, 'neighborhoodRegistry'), neighborhoodRegistry)
  expect('the compliance registry of the server registry', await read(servers, 'complianceRegistry'), complianceRegistry)
  expect('the neighborhood registry of the compliance registry', await read(compliance, 'neighborhoodRegistry'), neighborhoodRegistry)
  expect('the server registry of the compliance registry', await read(compliance, 'serverRegistry'), serverRegistry)

  const known = [neighborhoodRegistry, serverRegistry, complianceRegistry].map(word)
  await compareCode('NeighborhoodRegistry', { ...neighborhoods, artifact: artifacts.neighborhoods, allowed: [word(guardian)] })
  const serverValues = eip712Values('Dred ServerRegistry', serverRegistry)
  await compareCode('ServerRegistry', { ...servers, artifact: artifacts.servers, allowed: [...known, ...serverValues] })
  const complianceValues = eip712Values('Dred ComplianceRegistry', complianceRegistry)
  await compareCode('ComplianceRegistry', { ...compliance, artifact: artifacts.compliance, allowed: [...known, ...complianceValues] })

  if (problems.length > 0) return guardian
  const created = json.transactions ?? {}
  const deploy = (contract, bytecode, args) => encodeDeployData({ abi: contract.abi, bytecode, args })
  await compareCreation('NeighborhoodRegistry', {
    ...neighborhoods,
    hash: created.neighborhoodRegistry,
    data: deploy(neighborhoods, neighborhoodRegistryBytecode, [guardian]),
  })
  await compareCreation('ServerRegistry', {
    ...servers,
    hash: created.serverRegistry,
    data: deploy(servers, serverRegistryBytecode, [neighborhoodRegistry]),
  })
  return guardian
}

const guardian = await verify().catch(giveUp)
for (const problem of problems) console.error(`✗ ${problem}`)
if (problems.length > 0) process.exit(1)
console.log(`The contracts are those of this repository. The guardian is ${String(guardian)}.`)
