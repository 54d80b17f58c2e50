import { readFileSync } from 'node:fs'
import { type Deployment, DeploymentError, parseDeployment } from '@dred/contracts/deployments'
import { type Address, isAddress } from 'viem'

/** Chain id of local development chains (Hardhat, Anvil). */
export const LOCAL_CHAIN_ID = 31_337

export type IndexerEnvironment = Registries & {
  /** JSON-RPC endpoint, `http(s)` or `ws(s)`. */
  rpcUrl: string
  /** PostgreSQL when it has a URL, else PGlite in a folder. */
  database: { kind: 'postgres'; url: string } | { kind: 'pglite'; directory: string }
}

type Registries = Pick<Deployment, 'chainId' | 'neighborhoodRegistry' | 'serverRegistry' | 'complianceRegistry' | 'startBlock'>

/** Thrown with every problem that the environment has, not only the first. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The indexer's environment is not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

type Variables = Readonly<Record<string, string | undefined>>

const isOneOf = (value: string, protocols: readonly string[]) => URL.canParse(value) && protocols.includes(new URL(value).protocol)

/** What a deployment file stands for. */
const registryVariables = [
  'DRED_CHAIN_ID',
  'DRED_NEIGHBORHOOD_REGISTRY',
  'DRED_SERVER_REGISTRY',
  'DRED_COMPLIANCE_REGISTRY',
  'DRED_START_BLOCK',
] as const

/**
 * Reads the `DRED_*` variables and `DATABASE_URL`; an empty variable counts as absent. `DRED_DEPLOYMENT`, the path of a deployment file,
 * stands in place of the five that say where the registries are.
 * @throws {EnvironmentError} naming every variable that is missing or not valid
 */
export function parseEnvironment(variables: Variables): IndexerEnvironment {
  const problems: string[] = []
  const required = reader(variables, problems)
  const rpcUrl = required('DRED_RPC_URL', 'an http, https, ws or wss URL', (text) =>
    isOneOf(text, ['http:', 'https:', 'ws:', 'wss:']) ? text : undefined,
  )
  const file = variables['DRED_DEPLOYMENT']
  const registries = file ? readDeployment(file, variables, problems) : readRegistries(required)
  const database = parseDatabase(variables)
  if (typeof database === 'string') problems.push(database)

  if (rpcUrl === undefined || registries === undefined || typeof database === 'string') throw new EnvironmentError(problems)
  return { rpcUrl, ...registries, database }
}

type Reader = <T>(name: string, expected: string, parse: (text: string) => T | undefined) => T | undefined

function reader(variables: Variables, problems: string[]): Reader {
  return function required<T>(name: string, expected: string, parse: (text: string) => T | undefined): T | undefined {
    const text = variables[name]
    if (!text) {
      problems.push(`${name} is missing: ${expected}`)
      return undefined
    }
    const value = parse(text)
    // The value itself is not repeated: the URL of an RPC provider usually holds its key.
    if (value === undefined) problems.push(`${name} is not ${expected}`)
    return value
  }
}

function readRegistries(required: Reader): Registries | undefined {
  const integer = (minimum: number) => (text: string) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    return Number.isSafeInteger(value) && value >= minimum ? value : undefined
  }
  const registry = (name: string) =>
    required<Address>(name, 'an address of 20 bytes in hex', (text) => (isAddress(text, { strict: false }) ? text : undefined))

  const chainId = required('DRED_CHAIN_ID', 'a positive integer', integer(1))
  const neighborhoodRegistry = registry('DRED_NEIGHBORHOOD_REGISTRY')
  const serverRegistry = registry('DRED_SERVER_REGISTRY')
  const complianceRegistry = registry('DRED_COMPLIANCE_REGISTRY')
  const startBlock = required('DRED_START_BLOCK', 'a block number', integer(0))
  if (
    chainId === undefined ||
    neighborhoodRegistry === undefined ||
    serverRegistry === undefined ||
    complianceRegistry === undefined ||
    startBlock === undefined
  ) {
    return undefined
  }
  return { chainId, neighborhoodRegistry, serverRegistry, complianceRegistry, startBlock }
}

function readDeployment(path: string, variables: Variables, problems: string[]): Registries | undefined {
  const beside = registryVariables.filter((name) => variables[name])
  problems.push(...beside.map((name) => `${name} is given beside DRED_DEPLOYMENT: leave one of them out`))
  try {
    const deployment = parseDeployment(JSON.parse(readFileSync(path, 'utf8')))
    const { chainId, neighborhoodRegistry, serverRegistry, complianceRegistry, startBlock } = deployment
    return beside.length > 0 ? undefined : { chainId, neighborhoodRegistry, serverRegistry, complianceRegistry, startBlock }
  } catch (error) {
    const wrong = error instanceof DeploymentError ? error.problems : ['it cannot be read as JSON']
    problems.push(...wrong.map((problem) => `DRED_DEPLOYMENT names a file that is not a deployment: ${problem}`))
    return undefined
  }
}

/** The database, or a sentence that says what is wrong with the variables that choose it. */
function parseDatabase(variables: Variables): IndexerEnvironment['database'] | string {
  const { DATABASE_URL: url, DRED_INDEXER_DIR: directory } = variables
  if (url) return isOneOf(url, ['postgres:', 'postgresql:']) ? { kind: 'postgres', url } : 'DATABASE_URL is not a postgres URL'
  if (directory) return { kind: 'pglite', directory }
  return 'DRED_INDEXER_DIR or DATABASE_URL is missing: a folder for the embedded database, or the URL of a PostgreSQL database'
}
