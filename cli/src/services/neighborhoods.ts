import { neighborhoodRegistryAbi, serverRegistryAbi } from '@dred/contracts'
import { type Address, type Hex, parseEventLogs, type PrivateKeyAccount } from 'viem'
import { CliError } from '../errors.ts'
import type { Step } from '../steps.ts'
import type { Deployed } from './chain.ts'
import { indexedStep, type NeighborhoodView, type ServerView } from './discovery.ts'
import { transactionSteps } from './transact.ts'

export interface NewNeighborhood {
  name: string
  uri: string
  contentHash: Hex
  parameters: {
    stakeToken: Address
    minStake: bigint
    unbondingSeconds: number
    maxServers: number
    redundancy: number
    maxChannelLifetimeSeconds: number
    maxChannelIdleSeconds: number
    maxMessageBytes: number
  }
}

export interface Creation {
  id: string
  transaction: Hex
  block: bigint
}

/** The steps that create a neighborhood; `result` is there once they ran. */
export function createNeighborhood(
  deployed: Deployed,
  account: PrivateKeyAccount,
  options: { neighborhood: NewNeighborhood; discovery: readonly string[] },
): { steps: Step[]; result: () => Creation } {
  const { name, uri, contentHash, parameters } = options.neighborhood
  let created: Creation | undefined
  const result = () => {
    if (!created) throw new Error('The neighborhood is not created yet')
    return created
  }
  const steps = transactionSteps(deployed, account, {
    label: 'create neighborhood',
    address: deployed.neighborhoodRegistry,
    abi: neighborhoodRegistryAbi,
    functionName: 'create',
    args: [name, uri, contentHash, parameters],
    done: (receipt) => {
      const [event] = parseEventLogs({ abi: neighborhoodRegistryAbi, eventName: 'NeighborhoodCreated', logs: receipt.logs })
      if (!event)
        throw new CliError('failure', 'unexpected_receipt', 'The registry did not report the new neighborhood: check its address.')
      created = { id: String(event.args.id), transaction: receipt.transactionHash, block: receipt.blockNumber }
    },
  })
  const path = () => `/v1/neighborhoods/${result().id}`
  return { steps: [...steps, ...indexedStep(options.discovery, path, () => result().block)], result }
}

/** Neighborhoods as the chain itself has them. @param id all when left out */
export async function neighborhoodsOnChain(deployed: Deployed, id?: number): Promise<NeighborhoodView[]> {
  const { client, neighborhoodRegistry: address, startBlock: fromBlock } = deployed
  const filter = { address, abi: neighborhoodRegistryAbi, fromBlock, toBlock: 'latest', strict: true } as const
  const args = id === undefined ? {} : { id }
  const [created, updated] = await Promise.all([
    client.getContractEvents({ ...filter, eventName: 'NeighborhoodCreated', args }),
    client.getContractEvents({ ...filter, eventName: 'MetadataUpdated', args }),
  ])
  return Promise.all(
    created.map(async (event) => {
      const newest = updated.findLast((update) => update.args.id === event.args.id)
      const { name, uri, contentHash } = newest?.args ?? event.args
      const [owner, active] = await Promise.all([
        client.readContract({ address, abi: neighborhoodRegistryAbi, functionName: 'ownerOf', args: [event.args.id] }),
        client.readContract({
          address: deployed.serverRegistry,
          abi: serverRegistryAbi,
          functionName: 'activeCount',
          args: [event.args.id],
        }),
      ])
      const { minStake, ...parameters } = event.args.parameters
      return {
        id: String(event.args.id),
        owner,
        name,
        uri,
        contentHash,
        createdAtBlock: Number(event.blockNumber),
        parameters: { ...parameters, minStake: String(minStake) },
        activeServers: active,
        healthy: active >= parameters.redundancy,
      }
    }),
  )
}

const statuses = ['unregistered', 'active', 'exiting', 'withdrawn']

/** Servers of a neighborhood, of any status, as the chain itself has them. */
export async function serversOnChain(deployed: Deployed, neighborhood: number): Promise<ServerView[]> {
  const { client, serverRegistry: address, startBlock: fromBlock } = deployed
  const filter = { address, abi: serverRegistryAbi, fromBlock, toBlock: 'latest', strict: true, args: { neighborhood } } as const
  const [registered, moved] = await Promise.all([
    client.getContractEvents({ ...filter, eventName: 'ServerRegistered' }),
    client.getContractEvents({ ...filter, eventName: 'EndpointChanged' }),
  ])
  return Promise.all(
    registered.map(async ({ args, blockNumber }) => {
      const server = await client.readContract({ address, abi: serverRegistryAbi, functionName: 'serverOf', args: [args.id] })
      const endpoint = moved.findLast((event) => event.args.id === args.id)?.args.endpoint ?? args.endpoint
      return {
        id: args.id,
        neighborhood: String(neighborhood),
        operator: server.operator,
        payout: server.payout,
        keyId: server.keyId,
        endpoint,
        did: args.did,
        stake: String(server.stake),
        status: statuses[server.status] ?? 'unknown',
        unlockAt: server.unlockAt === 0 ? null : server.unlockAt,
        registeredAtBlock: Number(blockNumber),
      }
    }),
  )
}
