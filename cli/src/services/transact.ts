import { type Abi, type Account, type Address, encodeFunctionData, type TransactionReceipt } from 'viem'
import { CliError } from '../errors.ts'
import { runSteps, type Step } from '../steps.ts'
import { type Deployed, refusalAbi, walletClientOf } from './chain.ts'

export interface Call {
  /** What it does, as the steps name it. */
  label: string
  address: Address
  abi: Abi
  functionName: string
  args: readonly unknown[]
  /** Called with the receipt once the transaction is in a block. */
  done: (receipt: TransactionReceipt) => void
}

/**
 * The steps of one transaction: simulate → sign → broadcast → confirmed. Nothing is sent when the simulation fails.
 * They throw viem's errors.
 */
export function transactionSteps(deployed: Deployed, account: Account, call: Call): Step[] {
  const wallet = walletClientOf(deployed, account)
  let signed: `0x${string}`
  let hash: `0x${string}`
  const simulate = async () => {
    const { address, functionName, args } = call
    const abi = [...call.abi.filter((item) => item.type !== 'error'), ...refusalAbi]
    await deployed.client.simulateContract({ address, abi, functionName, args, account })
  }
  return [
    {
      title: `${call.label}: simulate`,
      run: simulate,
    },
    {
      title: `${call.label}: sign`,
      run: async () => {
        const data = encodeFunctionData({ abi: call.abi, functionName: call.functionName, args: call.args })
        const prepared = await wallet.prepareTransactionRequest({ to: call.address, data })
        signed = await wallet.signTransaction(prepared)
      },
    },
    {
      title: `${call.label}: broadcast`,
      run: async () => {
        hash = await wallet.sendRawTransaction({ serializedTransaction: signed })
        return hash
      },
    },
    {
      title: `${call.label}: confirmed`,
      run: async () => {
        const receipt = await deployed.client.waitForTransactionReceipt({ hash, timeout: 120_000 })
        // A race lost after the simulation: simulating again at this state names the reason.
        if (receipt.status === 'reverted') {
          await simulate()
          throw new CliError(
            'reverted',
            'reverted',
            `The transaction ${hash} was refused although it would pass now: run the command again.`,
          )
        }
        call.done(receipt)
        return `block ${receipt.blockNumber}`
      },
    },
  ]
}

/**
 * Runs the steps of a transaction.
 * @returns what is still pending once the transaction is confirmed: the command gives its result, then ends with this
 */
export async function runTransaction(steps: Step[]): Promise<CliError | undefined> {
  try {
    await runSteps(steps)
    return undefined
  } catch (error) {
    if (error instanceof CliError && error.code === 'not_indexed') return error
    throw error
  }
}
