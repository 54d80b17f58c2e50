import { devTokenAbi } from '@dred/contracts'
import { type Address, createPublicClient, createWalletClient, type PrivateKeyAccount } from 'viem'
import { CliError } from '../errors.ts'
import { chainOf, tokenInfo, transport } from '../services/chain.ts'
import type { Step } from '../steps.ts'
import { formatAmount } from '../units.ts'
import { LOCAL_CHAIN_ID } from './chain-id.ts'

const ETHER = { symbol: 'ETH', decimals: 18 }

export interface LocalChain {
  rpcUrl: string
  chainId: number
  /** A token that anybody may mint. */
  stakeToken: Address
}

/** Amounts in the smallest units. */
export interface Grant {
  account: Address
  ether: bigint
  tokens: bigint
}

export interface Balances {
  ether: bigint
  tokens: bigint
}

/**
 * The steps that give an account of a local chain ether and stake tokens, from its deployer.
 * @returns the steps, and once they ran what the account has, in the smallest units and for people
 * @throws CliError `wrong_chain`, in a step, on any other chain
 */
export function fund(
  chain: LocalChain,
  deployer: PrivateKeyAccount,
  { account, ether, tokens }: Grant,
): { steps: Step[]; result: () => Balances; describe: () => string } {
  const { rpcUrl, chainId, stakeToken } = chain
  const options = { chain: chainOf(chainId, rpcUrl), transport: transport(rpcUrl), pollingInterval: 50 }
  const client = createPublicClient(options)
  const wallet = createWalletClient({ ...options, account: deployer })
  let balances: (Balances & { symbol: string; decimals: number }) | undefined
  const result = () => {
    if (!balances) throw new Error('Nothing was given yet')
    return balances
  }
  const check = async () => {
    const actual = await client.getChainId()
    if (chainId !== LOCAL_CHAIN_ID || actual !== LOCAL_CHAIN_ID)
      throw new CliError(
        'checkFailed',
        'wrong_chain',
        `The chain at ${rpcUrl} is ${actual}, no local one: \`dred dev fund\` gives nothing there.`,
      )
  }
  const confirmed = async (hash: `0x${string}`) => {
    const { status } = await client.waitForTransactionReceipt({ hash, timeout: 30_000 })
    if (status === 'reverted') throw new CliError('reverted', 'reverted', `The chain refused the transaction ${hash}: nothing was given.`)
  }
  const steps = [
    { title: 'local chain', run: check },
    { title: 'ether', run: async () => confirmed(await wallet.sendTransaction({ to: account, value: ether })) },
    {
      title: 'tokens',
      run: async () => {
        const mint = { address: stakeToken, abi: devTokenAbi, functionName: 'mint', args: [account, tokens] } as const
        await confirmed(await wallet.writeContract(mint))
        const balanceOf = { address: stakeToken, abi: devTokenAbi, functionName: 'balanceOf', args: [account] } as const
        const [has, owned, info] = await Promise.all([
          client.getBalance({ address: account }),
          client.readContract(balanceOf),
          tokenInfo(client, stakeToken),
        ])
        balances = { ether: has, tokens: owned, symbol: info.symbol, decimals: info.decimals }
      },
    },
  ]
  return {
    steps,
    result: () => ({ ether: result().ether, tokens: result().tokens }),
    describe: () => `${formatAmount(result().tokens, result())} and ${formatAmount(result().ether, ETHER)}`,
  }
}
