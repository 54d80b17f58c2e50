import { type Address, isAddress } from 'viem'

/** Chain id of local development chains (Hardhat, Anvil). */
export const LOCAL_CHAIN_ID = 31_337

export type IndexerEnvironment = {
  /** JSON-RPC endpoint, `http(s)` or `ws(s)`. */
  rpcUrl: string
  chainId: number
  neighborhoodRegistry: Address
  serverRegistry: Address
  complianceRegistry: Address
  /** Block in which the first registry was deployed. */
  startBlock: number
  /** PostgreSQL when it has a URL, else PGlite in a folder. */
  database: { kind: 'postgres'; url: string } | { kind: 'pglite'; directory: string }
}

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

/**
 * Reads the `DRED_*` variables and `DATABASE_URL`; an empty variable counts as absent.
 * @throws {EnvironmentError} naming every variable that is missing or not valid
 */
export function parseEnvironment(variables: Variables): IndexerEnvironment {
  const problems: string[] = []

  function required<T>(name: string, expected: string, parse: (text: string) => T | undefined): T | undefined {
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

  const integer = (minimum: number) => (text: string) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    return Number.isSafeInteger(value) && value >= minimum ? value : undefined
  }
  const address = (text: string) => (isAddress(text, { strict: false }) ? text : undefined)
  const rpc = (text: string) => (isOneOf(text, ['http:', 'https:', 'ws:', 'wss:']) ? text : undefined)

  const rpcUrl = required('DRED_RPC_URL', 'an http, https, ws or wss URL', rpc)
  const chainId = required('DRED_CHAIN_ID', 'a positive integer', integer(1))
  const neighborhoodRegistry = required('DRED_NEIGHBORHOOD_REGISTRY', 'an address of 20 bytes in hex', address)
  const serverRegistry = required('DRED_SERVER_REGISTRY', 'an address of 20 bytes in hex', address)
  const complianceRegistry = required('DRED_COMPLIANCE_REGISTRY', 'an address of 20 bytes in hex', address)
  const startBlock = required('DRED_START_BLOCK', 'a block number', integer(0))
  const database = parseDatabase(variables)
  if (typeof database === 'string') problems.push(database)

  if (
    rpcUrl === undefined ||
    chainId === undefined ||
    neighborhoodRegistry === undefined ||
    serverRegistry === undefined ||
    complianceRegistry === undefined ||
    startBlock === undefined ||
    typeof database === 'string'
  ) {
    throw new EnvironmentError(problems)
  }
  return { rpcUrl, chainId, neighborhoodRegistry, serverRegistry, complianceRegistry, startBlock, database }
}

/** The database, or a sentence that says what is wrong with the variables that choose it. */
function parseDatabase(variables: Variables): IndexerEnvironment['database'] | string {
  const { DATABASE_URL: url, DRED_INDEXER_DIR: directory } = variables
  if (url) return isOneOf(url, ['postgres:', 'postgresql:']) ? { kind: 'postgres', url } : 'DATABASE_URL is not a postgres URL'
  if (directory) return { kind: 'pglite', directory }
  return 'DRED_INDEXER_DIR or DATABASE_URL is missing: a folder for the embedded database, or the URL of a PostgreSQL database'
}
