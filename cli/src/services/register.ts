import { serverRegistryAbi } from '@dred/contracts'
import { serverKeyStatement, signStatement } from '@dred/protocol/statements'
import {
  type Abi,
  type Address,
  BaseError,
  ContractFunctionRevertedError,
  erc20Abi,
  type Hex,
  parseEventLogs,
  type PrivateKeyAccount,
} from 'viem'
import { CliError } from '../errors.ts'
import type { Step } from '../steps.ts'
import { formatAmount } from '../units.ts'
import { chainTime, type Deployed, refusalAbi, type TokenInfo } from './chain.ts'
import { indexedStep } from './discovery.ts'
import { permitDomainOf, signPermit } from './permit.ts'
import { transactionSteps } from './transact.ts'

/** How long a key's statement or a permit counts, in seconds. */
export const STATEMENT_LIFETIME_SECONDS = 3_600

/** A P-256 key that can sign statements. */
export interface StatementKey {
  keyX: Hex
  keyY: Hex
  /** ECDSA with SHA-256 over the bytes. @returns r ‖ s, 64 bytes */
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>
}

export interface RegistrationRequest {
  neighborhood: number
  key: StatementKey
  endpoint: string
  did: string
  payout: Address
  stake: bigint
  minStake: bigint
  token: TokenInfo
  discovery: readonly string[]
}

export interface RegistrationResult {
  id: number
  keyId: Hex
  transaction: Hex
  block: bigint
}

/**
 * The steps of a registration: checks first, then one transaction where the token takes permits, else its approval and the
 * registration.
 */
export async function registerServer(
  deployed: Deployed,
  account: PrivateKeyAccount,
  request: RegistrationRequest,
): Promise<{ steps: Step[]; result: () => RegistrationResult }> {
  let registered: RegistrationResult | undefined
  const result = () => {
    if (!registered) throw new Error('The server is not registered yet')
    return registered
  }
  const { neighborhood, key, endpoint, did, payout, stake, token } = request
  const { client, chainId, serverRegistry } = deployed
  const domain = await permitDomainOf(client, token.address, chainId)
  const args: unknown[] = []
  // The chain's clock counts, not this machine's.
  const deadlineNow = async () => BigInt((await chainTime(client)) + STATEMENT_LIFETIME_SECONDS)
  const sign = async () => {
    const deadline = await deadlineNow()
    const { keyX, keyY } = key
    const statement = { neighborhood, operator: account.address, keyX, keyY, endpoint, deadline }
    const signature = await signStatement(key, serverKeyStatement(deployed, statement))
    args[0] = { neighborhood, stake, payout, keyX, keyY, endpoint, did, deadline, ...signature }
  }
  const permit = async () => {
    if (domain)
      args[1] = await signPermit(client, account, { domain, spender: serverRegistry, amount: stake, deadline: await deadlineNow() })
  }
  const payment: Step[] = domain
    ? [{ title: `permit ${formatAmount(stake, token)}`, run: permit }]
    : approvalSteps(deployed, account, { token, amount: stake })
  const steps = [
    { title: 'sign with the server key', run: sign },
    { title: 'check stake, endpoint, key and balance', run: () => checkRegistration(deployed, account.address, { request, args }) },
    ...payment,
    ...transactionSteps(deployed, account, {
      label: 'register server',
      address: serverRegistry,
      abi: serverRegistryAbi,
      functionName: domain ? 'registerWithPermit' : 'register',
      args,
      done: (receipt) => {
        const [event] = parseEventLogs({ abi: serverRegistryAbi, eventName: 'ServerRegistered', logs: receipt.logs })
        if (!event) throw new CliError('failure', 'unexpected_receipt', 'The registry did not report the new server: check its address.')
        registered = { id: event.args.id, keyId: event.args.keyId, transaction: receipt.transactionHash, block: receipt.blockNumber }
      },
    }),
  ]
  const path = () => `/v1/servers/${result().id}`
  return { steps: [...steps, ...indexedStep(request.discovery, path, () => result().block)], result }
}

/**
 * Finds what the registry would refuse before any money moves. The registry pulls the stake last, so a simulation that fails for
 * want of an allowance has passed every rule of the registry.
 */
async function checkRegistration(
  deployed: Deployed,
  operator: Address,
  check: { request: RegistrationRequest; args: unknown[] },
): Promise<void> {
  const { neighborhood, token, stake, minStake } = check.request
  if (stake < minStake) {
    const [offered, asked] = [formatAmount(stake, token), formatAmount(minStake, token)]
    throw new CliError(
      'reverted',
      'stake_too_low',
      `A stake of ${offered} is less than neighborhood ${neighborhood} asks, ${asked}: raise --stake.`,
    )
  }
  const abi: Abi = [...serverRegistryAbi, ...refusalAbi]
  const call = { address: deployed.serverRegistry, abi, functionName: 'register', args: check.args, account: operator }
  try {
    await deployed.client.simulateContract(call)
  } catch (error) {
    const revert = error instanceof BaseError ? error.walk((cause) => cause instanceof ContractFunctionRevertedError) : null
    const name = revert instanceof ContractFunctionRevertedError ? revert.data?.errorName : undefined
    if (!revert || name?.startsWith('ServerRegistry_') || name?.startsWith('NeighborhoodRegistry_')) throw error
  }
  await checkBalance(deployed, operator, { token, amount: stake })
}

/** @throws CliError `insufficient_funds` without any ether, `insufficient_balance` */
export async function checkBalance(deployed: Deployed, owner: Address, due: { token: TokenInfo; amount: bigint }): Promise<void> {
  const { token, amount } = due
  const [balance, ether] = await Promise.all([
    deployed.client.readContract({ address: token.address, abi: erc20Abi, functionName: 'balanceOf', args: [owner] }),
    deployed.client.getBalance({ address: owner }),
  ])
  if (ether === 0n)
    throw new CliError(
      'reverted',
      'insufficient_funds',
      `The wallet ${owner} has nothing to pay for gas: send it some of the chain's native currency.`,
    )
  if (balance >= amount) return
  const [has, needs] = [formatAmount(balance, token), formatAmount(amount, token)]
  throw new CliError(
    'reverted',
    'insufficient_balance',
    `The wallet ${owner} holds ${has} and needs ${needs}: send it the rest or lower the stake.`,
  )
}

/** The steps that let the registry take exactly the amount. */
export function approvalSteps(deployed: Deployed, account: PrivateKeyAccount, due: { token: TokenInfo; amount: bigint }): Step[] {
  return transactionSteps(deployed, account, {
    label: `approve ${formatAmount(due.amount, due.token)}`,
    address: due.token.address,
    abi: erc20Abi,
    functionName: 'approve',
    args: [deployed.serverRegistry, due.amount],
    done: () => undefined,
  })
}
