import {
  BaseError,
  ContractFunctionRevertedError,
  ContractFunctionZeroDataError,
  HttpRequestError,
  InsufficientFundsError,
  RpcRequestError,
  SocketClosedError,
  TimeoutError,
  WaitForTransactionReceiptTimeoutError,
} from 'viem'
import { CliError } from '../errors.ts'
import { complianceRefusals } from './refusals/compliance.ts'
import { neighborhoodRefusals } from './refusals/neighborhoods.ts'
import type { Refusal } from './refusals/refusal.ts'
import { serverRefusals } from './refusals/servers.ts'
import { tokenRefusals } from './refusals/tokens.ts'

const refusals: Record<string, Refusal> = { ...neighborhoodRefusals, ...serverRefusals, ...complianceRefusals, ...tokenRefusals }

/** The names of the contract errors that have a sentence. */
export const explainedRefusals: readonly string[] = Object.keys(refusals)

/** @returns what a failed call to the chain means, or undefined when the error is not the chain's */
export function explainChainError(error: unknown, rpcUrl: string): CliError | undefined {
  if (!(error instanceof BaseError)) return undefined
  const find = <T>(type: abstract new (...args: never[]) => T) => {
    const found = error.walk((cause) => cause instanceof type)
    return found instanceof type ? found : undefined
  }
  const revert = find(ContractFunctionRevertedError)
  if (revert) return explainRevert(revert, error)
  if (find(ContractFunctionZeroDataError)) {
    return new CliError('checkFailed', 'no_deployment', {
      message: `There is no Dred deployment at these addresses on the chain at ${rpcUrl}: check the registries' addresses and --rpc-url.`,
      cause: error,
    })
  }
  if (find(InsufficientFundsError) || /insufficient funds|doesn't have enough funds/i.test(error.message)) {
    return new CliError('reverted', 'insufficient_funds', {
      message: 'The wallet cannot pay for gas: send it some of the native currency of the chain.',
      cause: error,
    })
  }
  if (find(WaitForTransactionReceiptTimeoutError)) {
    return new CliError('pending', 'pending', { message: 'The transaction is sent but not confirmed yet: look again later.', cause: error })
  }
  const rpc = find(RpcRequestError)
  if (!rpc && (find(HttpRequestError) || find(TimeoutError) || find(SocketClosedError))) {
    return new CliError('unreachable', 'chain_unreachable', {
      message: noChain(rpcUrl),
      cause: error,
    })
  }
  return new CliError('failure', 'chain_error', {
    message: `The chain at ${rpcUrl} refused: ${rpc?.details ?? error.shortMessage}`,
    cause: error,
  })
}

/** The sentence for a chain that does not answer. */
export function noChain(rpcUrl: string): string {
  return `No chain answers at ${rpcUrl}: start it, or set --rpc-url (DRED_RPC_URL, chain.rpcUrl).`
}

function explainRevert(revert: ContractFunctionRevertedError, cause: unknown): CliError {
  const { errorName, args } = revert.data ?? {}
  const explain = errorName === undefined ? undefined : refusals[errorName]
  if (!explain) {
    const name = errorName ?? revert.reason ?? revert.signature ?? 'without a reason'
    return new CliError('reverted', 'reverted', { message: `The contract refused the transaction (${name}): nothing was changed.`, cause })
  }
  const [code, message] = explain(args ?? [])
  return new CliError('reverted', code, { message, cause })
}
