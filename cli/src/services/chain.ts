import { complianceRegistryAbi, devTokenAbi, neighborhoodRegistryAbi, serverRegistryAbi } from '@dred/contracts'
import {
  type Account,
  type Address,
  type Chain,
  createPublicClient,
  createWalletClient,
  defineChain,
  erc20Abi,
  http,
  type PublicClient,
  type Transport,
  type WalletClient,
} from 'viem'
import { missing, type Config } from '../config.ts'
import { CliError } from '../errors.ts'

/** Every error that a call to the registries can end with, from whichever contract. */
export const refusalAbi = [...serverRegistryAbi, ...neighborhoodRegistryAbi, ...complianceRegistryAbi, ...devTokenAbi].filter(
  (item) => item.type === 'error',
)

/** The Dred deployment that a command works on. */
export interface Deployed {
  client: PublicClient<Transport, Chain>
  chainId: number
  rpcUrl: string
  neighborhoodRegistry: Address
  serverRegistry: Address
  /** The one that the server registry deployed. */
  complianceRegistry: Address
  startBlock: bigint
}

export interface TokenInfo {
  address: Address
  symbol: string
  decimals: number
}

/**
 * Connects to the configured chain and makes sure that the registries are there.
 * @throws CliError `missing_value`, `wrong_chain`, `no_deployment`; viem's errors when the chain does not answer
 */
export async function connect(settings: Config): Promise<Deployed> {
  const rpcUrl = settings.required('chain.rpcUrl', settings.text('chain.rpcUrl'))
  const neighborhoodRegistry = settings.address('chain.neighborhoodRegistry')
  const serverRegistry = settings.address('chain.serverRegistry')
  if (!neighborhoodRegistry) throw missing('chain.neighborhoodRegistry')
  if (!serverRegistry) throw missing('chain.serverRegistry')
  const wanted = settings.integer('chain.chainId')

  const chainId = await createPublicClient({ transport: transport(rpcUrl) }).getChainId()
  if (wanted !== undefined && wanted !== chainId) {
    throw new CliError(
      'checkFailed',
      'wrong_chain',
      `The chain at ${rpcUrl} has the id ${chainId}, not ${wanted}: check --rpc-url and --chain-id.`,
    )
  }
  const client = createPublicClient({ chain: chainOf(chainId, rpcUrl), transport: transport(rpcUrl), pollingInterval: 250 })
  const codes = await Promise.all([neighborhoodRegistry, serverRegistry].map((address) => client.getCode({ address })))
  for (const [index, code] of codes.entries()) {
    if (code && code !== '0x') continue
    const [name, address] = index === 0 ? ['NeighborhoodRegistry', neighborhoodRegistry] : ['ServerRegistry', serverRegistry]
    throw new CliError(
      'checkFailed',
      'no_deployment',
      `There is no ${name} at ${address} on chain ${chainId}: check the address and --rpc-url.`,
    )
  }
  const complianceRegistry = await client.readContract({
    address: serverRegistry,
    abi: serverRegistryAbi,
    functionName: 'complianceRegistry',
  })
  const startBlock = BigInt(settings.integer('chain.startBlock') ?? 0)
  return { client, chainId, rpcUrl, neighborhoodRegistry, serverRegistry, complianceRegistry, startBlock }
}

export function transport(rpcUrl: string): Transport {
  return http(rpcUrl, { retryCount: 1, timeout: 10_000 })
}

export function chainOf(id: number, rpcUrl: string): Chain {
  return defineChain({
    id,
    name: `chain ${id}`,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })
}

export function walletClientOf(deployed: Deployed, account: Account): WalletClient<Transport, Chain, Account> {
  return createWalletClient({ account, chain: deployed.client.chain, transport: transport(deployed.rpcUrl) })
}

/**
 * Symbol and decimals of an ERC-20.
 * @throws CliError `not_a_token`
 */
export async function tokenInfo(client: PublicClient, address: Address): Promise<TokenInfo> {
  const call = { address, abi: erc20Abi } as const
  const code = await client.getCode({ address })
  if (!code || code === '0x') throw notAToken(address)
  try {
    const [symbol, decimals] = await Promise.all([
      client.readContract({ ...call, functionName: 'symbol' }),
      client.readContract({ ...call, functionName: 'decimals' }),
    ])
    return { address, symbol, decimals }
  } catch (cause) {
    if (
      cause instanceof Error &&
      cause.name === 'ContractFunctionExecutionError' &&
      !/HTTP request failed|fetch failed/.test(cause.message)
    ) {
      throw notAToken(address)
    }
    throw cause
  }
}

function notAToken(address: Address): CliError {
  return new CliError('checkFailed', 'not_a_token', `There is no ERC-20 token with symbol and decimals at ${address}: check --stake-token.`)
}

/** Unix time in seconds by the chain's clock: that of its newest block. */
export async function chainTime(client: PublicClient): Promise<number> {
  return Number((await client.getBlock()).timestamp)
}
