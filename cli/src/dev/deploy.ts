import {
  type Deployment,
  devTokenAbi,
  devTokenBytecode,
  neighborhoodRegistryAbi,
  neighborhoodRegistryBytecode,
  serverRegistryAbi,
  serverRegistryBytecode,
} from '@dred/contracts'
import {
  type Abi,
  type Address,
  createPublicClient,
  createTestClient,
  createWalletClient,
  getContractAddress,
  type Hex,
  parseEther,
  parseUnits,
  zeroAddress,
  zeroHash,
} from 'viem'
import { chainOf, type Deployed, tokenInfo, transport } from '../services/chain.ts'
import { createNeighborhood } from '../services/neighborhoods.ts'
import { registerServer } from '../services/register.ts'
import type { Step } from '../steps.ts'
import type { DevKeys } from './keys.ts'

const TOKEN_DECIMALS = 18
const STAKE = parseUnits('100', TOKEN_DECIMALS)
/** What each operator holds: enough to play with `dred stake add` and more registrations. */
const ALLOTMENT = parseUnits('10000', TOKEN_DECIMALS)
const DAY_SECONDS = 86_400

const ATTESTATION_SECONDS = 90 * DAY_SECONDS

/** A deployment on a chain of this machine, with its stake token. */
export type LocalDeployment = Deployment & { stakeToken: Address }

/** Where the contracts of a fresh chain come to lie: known before they are deployed. */
export function plannedDeployment(deployer: Address, chainId: number): LocalDeployment {
  const address = (nonce: bigint) => getContractAddress({ from: deployer, nonce })
  const serverRegistry = address(1n)
  // The first contract that the server registry makes.
  const complianceRegistry = getContractAddress({ from: serverRegistry, nonce: 1n })
  return { chainId, startBlock: 0, neighborhoodRegistry: address(0n), serverRegistry, complianceRegistry, stakeToken: address(2n) }
}

/**
 * Deploys registries and token to a fresh chain at the planned addresses, and gives everyone ether and tokens.
 * @throws Error when a contract lands elsewhere, so the chain was not fresh
 */
export async function deployContracts(rpcUrl: string, plan: LocalDeployment, keys: DevKeys): Promise<Deployed> {
  const chain = chainOf(plan.chainId, rpcUrl)
  const client = createPublicClient({ chain, transport: transport(rpcUrl), pollingInterval: 50 })
  const test = createTestClient({ chain, mode: 'hardhat', transport: transport(rpcUrl) })
  const wallets = [keys.owner, ...keys.operators.map(({ wallet }) => wallet)]
  const value = parseEther('1000')
  await Promise.all([keys.deployer, ...wallets].map(({ address }) => test.setBalance({ address, value })))

  const deployer = createWalletClient({ account: keys.deployer, chain, transport: transport(rpcUrl) })
  const contracts: { abi: Abi; bytecode: Hex; args: unknown[]; planned: Address }[] = [
    {
      abi: neighborhoodRegistryAbi,
      bytecode: neighborhoodRegistryBytecode,
      args: [keys.owner.address],
      planned: plan.neighborhoodRegistry,
    },
    { abi: serverRegistryAbi, bytecode: serverRegistryBytecode, args: [plan.neighborhoodRegistry], planned: plan.serverRegistry },
    { abi: devTokenAbi, bytecode: devTokenBytecode, args: [], planned: plan.stakeToken },
  ]
  for (const { planned, ...contract } of contracts) {
    const hash = await deployer.deployContract(contract)
    const { contractAddress, status } = await client.waitForTransactionReceipt({ hash })
    if (status === 'reverted' || contractAddress?.toLowerCase() !== planned.toLowerCase()) {
      throw new Error(`A contract was deployed to ${contractAddress} in place of ${planned}: the chain is not fresh`)
    }
  }
  for (const { address } of wallets) {
    const mint = { address: plan.stakeToken, abi: devTokenAbi, functionName: 'mint', args: [address, ALLOTMENT] } as const
    await client.waitForTransactionReceipt({ hash: await deployer.writeContract(mint) })
  }
  const { neighborhoodRegistry, serverRegistry, complianceRegistry, chainId } = plan
  return { client, chainId, rpcUrl, neighborhoodRegistry, serverRegistry, complianceRegistry, startBlock: 0n }
}

/** Creates the network's neighborhood, whose one attester is the owner's. @returns its id */
export async function createDevNeighborhood(deployed: Deployed, keys: DevKeys, stakeToken: Address): Promise<string> {
  const { owner, attester } = keys
  const { steps, result } = createNeighborhood(deployed, owner, {
    neighborhood: {
      name: 'Local neighborhood',
      uri: '',
      contentHash: zeroHash,
      parameters: {
        stakeToken,
        minStake: STAKE,
        unbondingSeconds: DAY_SECONDS,
        keyOverlapSeconds: DAY_SECONDS,
        // The chain is made anew at every start, and the servers with it.
        attestationSeconds: ATTESTATION_SECONDS,
        maxChannelLifetimeSeconds: 30 * DAY_SECONDS,
        maxChannelIdleSeconds: 7 * DAY_SECONDS,
        maxMessageBytes: 65_536,
        maxServers: 64,
        redundancy: 2,
        slashPercent: 50,
        quorumNumerator: 2,
        quorumDenominator: 3,
        attestation: 0,
      },
      admission: { mode: 0, gateToken: zeroAddress, gateBalance: 0n },
      guardian: zeroAddress,
      attesters: [{ account: owner.address, keyId: attester.keyId }],
    },
    discovery: [],
  })
  await runQuietly(steps)
  return result().id
}

/** Registers one operator's server. @returns its id */
export async function registerDevServer(
  deployed: Deployed,
  operator: DevKeys['operators'][number],
  server: { neighborhood: string; endpoint: string; stakeToken: Address },
): Promise<number> {
  const { wallet, serverKey } = operator
  const { steps, result } = await registerServer(deployed, wallet, {
    neighborhood: Number(server.neighborhood),
    key: serverKey,
    endpoint: server.endpoint,
    did: `did:pkh:eip155:${deployed.chainId}:${wallet.address}`,
    payout: wallet.address,
    stake: STAKE,
    minStake: STAKE,
    token: await tokenInfo(deployed.client, server.stakeToken),
    discovery: [],
  })
  await runQuietly(steps)
  return result().id
}

/** These steps are one step of `dred dev`. */
async function runQuietly(steps: Step[]): Promise<void> {
  for (const step of steps) await step.run()
}
