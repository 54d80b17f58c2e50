import { neighborhoodRegistryAbi } from '@dred/contracts'
import { type ContractFunctionArgs, type Hex, parseEventLogs, type PrivateKeyAccount } from 'viem'
import { CliError } from '../errors.ts'
import type { Step } from '../steps.ts'
import type { Deployed } from './chain.ts'
import { indexedStep } from './discovery.ts'
import { transactionSteps } from './transact.ts'

/** A new neighborhood as its registry takes it. */
export type NewNeighborhood = ContractFunctionArgs<typeof neighborhoodRegistryAbi, 'nonpayable', 'create'>[0]
export type Parameters = NewNeighborhood['parameters']
export type Admission = NewNeighborhood['admission']
export type Attester = NewNeighborhood['attesters'][number]

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
    args: [options.neighborhood],
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
