import { neighborhoodRegistryAbi, serverRegistryAbi } from '@dred/contracts'
import { type Hex, parseEventLogs, type PrivateKeyAccount } from 'viem'
import { CliError } from '../errors.ts'
import type { Step } from '../steps.ts'
import { type Deployed, type TokenInfo, tokenInfo } from './chain.ts'
import { indexedStep } from './discovery.ts'
import { approvalSteps, checkBalance } from './register.ts'
import { isMember, readServer, statusAt } from './servers.ts'
import { transactionSteps } from './transact.ts'

export interface StakeResult {
  /** Stake of the server now, in the token's smallest unit. */
  stake: bigint
  transaction: Hex
  block: bigint
}

/**
 * The token that a server's stake is held in.
 * @throws CliError `unknown_server`; `not_member` for a server that has left, whose stake only shrinks
 */
export async function stakeTokenOf(deployed: Deployed, id: number): Promise<TokenInfo> {
  const { client, neighborhoodRegistry: address } = deployed
  const server = await readServer(deployed, id)
  if (!isMember(server)) {
    const status = statusAt(server, 0)
    throw new CliError('reverted', 'not_member', `Server ${id} is ${status}: only a pending or active server takes more stake.`)
  }
  const args = [server.neighborhood] as const
  const { stakeToken } = await client.readContract({ address, abi: neighborhoodRegistryAbi, functionName: 'parametersOf', args })
  return tokenInfo(client, stakeToken)
}

/** The steps that add to a server's stake. Anyone may pay; the stake belongs to the server. */
export function addStake(
  deployed: Deployed,
  account: PrivateKeyAccount,
  request: { id: number; amount: bigint; token: TokenInfo; discovery: readonly string[] },
): { steps: Step[]; result: () => StakeResult } {
  let added: StakeResult | undefined
  const result = () => {
    if (!added) throw new Error('The stake is not added yet')
    return added
  }
  const steps = [
    { title: 'check balance', run: () => checkBalance(deployed, account.address, request) },
    ...approvalSteps(deployed, account, request),
    ...transactionSteps(deployed, account, {
      label: 'add stake',
      address: deployed.serverRegistry,
      abi: serverRegistryAbi,
      functionName: 'addStake',
      args: [request.id, request.amount],
      done: (receipt) => {
        const [event] = parseEventLogs({ abi: serverRegistryAbi, eventName: 'StakeAdded', logs: receipt.logs })
        if (!event) throw new CliError('failure', 'unexpected_receipt', 'The registry did not report the stake: check its address.')
        added = { stake: event.args.stake, transaction: receipt.transactionHash, block: receipt.blockNumber }
      },
    }),
  ]
  return {
    steps: [
      ...steps,
      ...indexedStep(
        request.discovery,
        () => `/v1/servers/${request.id}`,
        () => result().block,
      ),
    ],
    result,
  }
}
