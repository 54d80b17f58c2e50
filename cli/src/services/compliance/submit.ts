import { complianceRegistryAbi } from '@dred/contracts'
import { encodeFunctionData, type Hex, parseEventLogs, type PrivateKeyAccount } from 'viem'
import type { Step } from '../../steps.ts'
import type { Deployed } from '../chain.ts'
import { indexedStep } from '../discovery.ts'
import { transactionSteps } from '../transact.ts'
import { type Ballot, findingStruct, type Poll } from './ballots.ts'

/** What one transaction carries: with every vote that there can be it stays well under what blocks and transactions may cost. */
const SERVERS_PER_TRANSACTION = 16

export interface Submission {
  attested: { server: number; validUntil: number; transaction: Hex }[]
  block: bigint
}

/** The steps that bring ballots with enough votes to the compliance registry, many in one transaction. */
export function submitBallots(
  deployed: Deployed,
  account: PrivateKeyAccount,
  request: { poll: Poll; ballots: readonly Ballot[]; discovery: readonly string[] },
): { steps: Step[]; result: () => Submission } {
  const { poll, ballots, discovery } = request
  const submission: Submission = { attested: [], block: 0n }
  const groups = Array.from({ length: Math.ceil(ballots.length / SERVERS_PER_TRANSACTION) }, (_, index) =>
    ballots.slice(index * SERVERS_PER_TRANSACTION, (index + 1) * SERVERS_PER_TRANSACTION),
  )
  const steps = groups.flatMap((group) =>
    transactionSteps(deployed, account, {
      label: `attest ${group.length === 1 ? 'server' : 'servers'} ${group.map(({ finding }) => finding.server).join(', ')}`,
      address: deployed.complianceRegistry,
      abi: complianceRegistryAbi,
      ...callOf(poll, group),
      done: ({ logs, blockNumber, transactionHash: transaction }) => {
        const events = parseEventLogs({ abi: complianceRegistryAbi, eventName: 'Attested', logs })
        submission.attested.push(...events.map(({ args: { server, validUntil } }) => ({ server, validUntil, transaction })))
        submission.block = blockNumber
      },
    }),
  )
  const path = () => `/v1/servers/${submission.attested[0]?.server ?? 0}`
  return { steps: [...steps, ...indexedStep(discovery, path, () => submission.block)], result: () => submission }
}

function callOf(poll: Poll, group: readonly Ballot[]): { functionName: string; args: readonly unknown[] } {
  const calls = group.map(({ finding, votes }) => [findingStruct(poll, finding), votes] as const)
  const [first] = calls
  if (first && calls.length === 1) return { functionName: 'attest', args: first }
  const data = calls.map((args) => encodeFunctionData({ abi: complianceRegistryAbi, functionName: 'attest', args }))
  return { functionName: 'multicall', args: [data] }
}
