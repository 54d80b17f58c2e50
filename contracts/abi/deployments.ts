// An entry of its own, without ABIs and viem: small enough for a page.
import type { Deployment } from './deployment.ts'
import { known } from './known-deployments.ts'

export type { Deployment } from './deployment.ts'

/** The public deployments, by chain id. */
export const deployments: Readonly<Record<number, Deployment>> = Object.fromEntries(
  known.map((deployment) => [deployment.chainId, deployment]),
)

/** Thrown with every problem that a deployment file has, not only the first. */
export class DeploymentError extends Error {
  override readonly name = 'DeploymentError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`This is not a deployment:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

const registries = ['neighborhoodRegistry', 'serverRegistry', 'complianceRegistry'] as const

/**
 * Reads what a deployment file holds. Addresses keep their spelling; their checksum is not looked at. Other fields are left out, so
 * that a program reads files that are newer than itself.
 * @param json the parsed file
 * @throws {DeploymentError} naming every field that is missing or not valid
 */
export function parseDeployment(json: unknown): Deployment {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new DeploymentError(['it is not a JSON object'])
  const fields = new Map<string, unknown>(Object.entries(json))
  const problems: string[] = []

  function required<T>(name: string, expected: string, is: (value: unknown) => value is T): T | undefined {
    const value = fields.get(name)
    if (is(value)) return value
    problems.push(value === undefined ? `${name} is missing: ${expected}` : `${name} is not ${expected}`)
    return undefined
  }
  function optional<T>(name: string, expected: string, is: (value: unknown) => value is T): T | undefined {
    return fields.has(name) ? required(name, expected, is) : undefined
  }

  const address = 'an address: 0x and 40 hexadecimal digits, not all zero'
  const chainId = required('chainId', 'a positive integer', isIntegerFrom(1))
  const name = optional('name', 'a text', isText)
  const startBlock = required('startBlock', 'a block number', isIntegerFrom(0))
  const [neighborhoodRegistry, serverRegistry, complianceRegistry] = registries.map((registry) => required(registry, address, isAddress))
  const stakeToken = optional('stakeToken', address, isAddress)
  const discovery = optional('discovery', 'a list of http or https URLs', isUrls)
  const contracts = [neighborhoodRegistry, serverRegistry, complianceRegistry, stakeToken].flatMap((given) => given?.toLowerCase() ?? [])
  if (new Set(contracts).size < contracts.length) problems.push('two of its contracts have the same address')

  if (
    problems.length > 0 ||
    chainId === undefined ||
    startBlock === undefined ||
    neighborhoodRegistry === undefined ||
    serverRegistry === undefined ||
    complianceRegistry === undefined
  ) {
    throw new DeploymentError(problems)
  }
  return {
    chainId,
    ...(name === undefined ? {} : { name }),
    startBlock,
    neighborhoodRegistry,
    serverRegistry,
    complianceRegistry,
    ...(stakeToken === undefined ? {} : { stakeToken }),
    ...(discovery === undefined ? {} : { discovery }),
  }
}

function isIntegerFrom(least: number) {
  return (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= least
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isAddress(value: unknown): value is `0x${string}` {
  return typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value) && !/^0x0*$/.test(value)
}

/** URL.canParse alone would need the types of one platform. */
function isUrls(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((url) => typeof url === 'string' && /^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/.test(url))
}
