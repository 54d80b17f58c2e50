import type { Command } from '@oclif/core'
import type { Hex, PrivateKeyAccount, TransactionReceipt } from 'viem'
import { BaseCommand } from './base-command.ts'
import type { CliError } from './errors.ts'
import type { Deployed } from './services/chain.ts'
import { indexedStep } from './services/discovery.ts'
import { type Call, runTransaction, transactionSteps } from './services/transact.ts'

/** A transaction that is in a block. */
export interface Sent {
  receipt: TransactionReceipt
  transaction: Hex
  block: number
  /** Set when discovery does not show it yet. */
  pending: CliError | undefined
}

/** A command that is one transaction to a registry, or a few. */
export abstract class RegistryCommand<T extends typeof Command> extends BaseCommand<T> {
  /**
   * Simulates, signs and sends a call, and waits until discovery has read its block.
   * @param call.path resource of the discovery API that changes
   * @throws viem's errors
   */
  protected async send(deployed: Deployed, account: PrivateKeyAccount, call: Omit<Call, 'done'> & { path: string }): Promise<Sent> {
    let receipt: TransactionReceipt | undefined
    const confirmed = () => {
      if (!receipt) throw new Error('The transaction is not in a block yet')
      return receipt
    }
    const { path, ...rest } = call
    const steps = transactionSteps(deployed, account, {
      ...rest,
      done: (received) => {
        receipt = received
      },
    })
    const indexed = indexedStep(
      this.settings.urls('discovery'),
      () => path,
      () => confirmed().blockNumber,
    )
    const pending = await runTransaction([...steps, ...indexed])
    const { transactionHash: transaction, blockNumber } = confirmed()
    return { receipt: confirmed(), transaction, block: Number(blockNumber), pending }
  }

  /** Prints the result and ends, with the code of a pending transaction where it is one. */
  protected finish({ transaction, block, pending }: Sent, document: object, human: () => string): void {
    this.output.result({ ...document, transaction, block }, human)
    if (pending) throw pending
  }
}
