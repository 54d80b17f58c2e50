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

type Arguments = readonly unknown[]

const at = (args: Arguments, index: number) => String(args[index])
const statusNames = ['unregistered', 'active', 'exiting', 'withdrawn']
const statusOf = (args: Arguments, index: number) => statusNames[Number(args[index])] ?? 'in an unknown state'

/** What each refusal of the contracts means to a person: [code, sentence]. Amounts are in the token's smallest unit. */
const refusals: Record<string, (args: Arguments) => [code: string, sentence: string]> = {
  NeighborhoodRegistry_Unknown: (a) => ['unknown_neighborhood', `There is no neighborhood ${at(a, 0)}: see \`dred neighborhood list\`.`],
  NeighborhoodRegistry_NotOwner: (a) => ['not_owner', `Only the owner of neighborhood ${at(a, 0)} may do this: use the owner's wallet.`],
  NeighborhoodRegistry_NameLength: (a) => ['name_length', `A name has 1 to 64 bytes, this one ${at(a, 0)}: change --name.`],
  NeighborhoodRegistry_UriLength: (a) => ['uri_length', `A URI has at most 256 bytes, this one ${at(a, 0)}: shorten --uri.`],
  NeighborhoodRegistry_StakeTokenInvalid: (a) => [
    'stake_token_invalid',
    `There is no contract at ${at(a, 0)}: give an ERC-20 as --stake-token.`,
  ],
  NeighborhoodRegistry_MinStakeOutOfBounds: () => ['min_stake_bounds', 'The least stake has to be more than nothing: raise --min-stake.'],
  NeighborhoodRegistry_UnbondingOutOfBounds: (a) => [
    'unbonding_bounds',
    `Unbonding takes 1 to 30 days, not ${at(a, 0)} s: change --unbonding.`,
  ],
  NeighborhoodRegistry_MaxServersOutOfBounds: (a) => [
    'max_servers_bounds',
    `A neighborhood has 1 to 64 servers, not ${at(a, 0)}: change --max-servers.`,
  ],
  NeighborhoodRegistry_RedundancyOutOfBounds: (a) => [
    'redundancy_bounds',
    `The redundancy is 1 to the most servers (${at(a, 1)}), not ${at(a, 0)}: change --redundancy.`,
  ],
  NeighborhoodRegistry_ChannelLifetimeOutOfBounds: (a) => [
    'channel_lifetime_bounds',
    `A channel lives 1 second to 366 days, not ${at(a, 0)} s: change --max-channel-lifetime.`,
  ],
  NeighborhoodRegistry_ChannelIdleOutOfBounds: (a) => [
    'channel_idle_bounds',
    `The idle time is 1 second to the channel's lifetime (${at(a, 1)} s), not ${at(a, 0)} s: change --max-channel-idle.`,
  ],
  NeighborhoodRegistry_MessageBytesOutOfBounds: (a) => [
    'message_bytes_bounds',
    `The largest message has 1024 to 1048576 bytes, not ${at(a, 0)}: change --max-message-bytes.`,
  ],
  ServerRegistry_Unknown: (a) => ['unknown_server', `No server is registered as ${at(a, 0)}: see \`dred neighborhood show\` for the ids.`],
  ServerRegistry_NotOperator: (a) => ['not_operator', `Only the operator of server ${at(a, 0)} may do this: use the operator's wallet.`],
  ServerRegistry_NotActive: (a) => ['not_active', `Server ${at(a, 0)} is ${statusOf(a, 1)}: only an active server takes stake.`],
  ServerRegistry_StakeTooLow: (a) => [
    'stake_too_low',
    `A stake of ${at(a, 0)} is less than the neighborhood's least, ${at(a, 1)}: raise --stake.`,
  ],
  ServerRegistry_AmountZero: () => ['amount_zero', 'Nothing would be staked: give an --amount above zero.'],
  ServerRegistry_StakeOverflow: () => ['stake_overflow', 'No server can hold that much stake: lower --amount.'],
  ServerRegistry_TransferMismatch: (a) => [
    'token_unsupported',
    `The token ${at(a, 0)} delivers less than it is asked to (${at(a, 2)} of ${at(a, 1)}) and cannot be staked: choose a neighborhood with another token.`,
  ],
  ServerRegistry_PayoutInvalid: (a) => ['payout_invalid', `${at(a, 0)} cannot receive the stake back: change --payout.`],
  ServerRegistry_NeighborhoodFull: (a) => [
    'neighborhood_full',
    `Neighborhood ${at(a, 0)} has its ${at(a, 1)} servers already: wait for one to leave or choose another.`,
  ],
  ServerRegistry_Expired: () => ['statement_expired', 'The registration took too long and its statement expired: run the command again.'],
  ServerRegistry_KeyInvalid: () => ['key_invalid', 'The server key is not a point of P-256: make one with `dred keys new --type server`.'],
  ServerRegistry_KeyUsed: (a) => [
    'key_used',
    `This server key belongs to server ${at(a, 1)}, and no key is used twice: make another with \`dred keys new --type server\`.`,
  ],
  ServerRegistry_SignatureInvalid: () => [
    'statement_invalid',
    "The registry did not accept the server key's statement: check --chain-id and --server-registry.",
  ],
  ServerRegistry_EndpointInvalid: (a) => [
    'endpoint_invalid',
    `${at(a, 0)} is not a canonical origin: give https://host or https://host:port in lower case (plain http only for 127.0.0.1 and localhost).`,
  ],
  ServerRegistry_EndpointTaken: (a) => [
    'endpoint_taken',
    `Server ${at(a, 2)} of neighborhood ${at(a, 0)} has this endpoint already: choose another --endpoint.`,
  ],
  ServerRegistry_DidInvalid: (a) => ['did_invalid', `${at(a, 0)} is not a DID of at most 128 bytes: give did:method:id as --did.`],
  ERC20InsufficientBalance: (a) => [
    'insufficient_balance',
    `The wallet ${at(a, 0)} holds ${at(a, 1)} of the stake token and needs ${at(a, 2)}: send it some or lower the stake.`,
  ],
  ERC20InsufficientAllowance: (a) => [
    'insufficient_allowance',
    `The registry may take only ${at(a, 1)} of the ${at(a, 2)} it needs: run the command again without other spending meanwhile.`,
  ],
}

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
