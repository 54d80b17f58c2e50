import { type Delegation, DredError } from '@dred/protocol'
import {
  BaseError,
  createPublicClient,
  custom,
  type EIP1193RequestFn,
  ExecutionRevertedError,
  http,
  parseAbi,
  type PublicClient,
} from 'viem'
import { verifyMessage } from 'viem/actions'
import { verifySiweMessage } from 'viem/siwe'
import type { WalletChain } from './port.ts'
import { Turnstile } from './turnstile.ts'

const TIMEOUT_MS = 5_000
/** Calls to the chain that run at once, and that wait for one of those. */
const CALLS = { running: 16, waiting: 256 }
const tokenAbi = parseAbi(['function balanceOf(address owner) view returns (uint256)'])

/** @param rpcUrl JSON-RPC over HTTP; may hold a secret, so it is never shown */
export function viemWalletChain(rpcUrl: string): WalletChain {
  return new ViemWalletChain(rpcUrl)
}

class ViemWalletChain implements WalletChain {
  readonly #request: EIP1193RequestFn
  readonly #turnstile = new Turnstile(CALLS)

  constructor(rpcUrl: string) {
    this.#request = http(rpcUrl, { retryCount: 0, timeout: TIMEOUT_MS })({}).request
  }

  signedDelegation({ message, signature }: Delegation, time: number): Promise<boolean> {
    const checked = { message, signature: signature as `0x${string}`, time: new Date(time), ...ACCOUNTS_FIRST }
    return this.#ask((client) => verifySiweMessage(client, checked))
  }

  signedText(address: `0x${string}`, { text, signature }: { text: string; signature: `0x${string}` }): Promise<boolean> {
    return this.#ask((client) => verifyMessage(client, { address, message: text, signature, ...ACCOUNTS_FIRST }))
  }

  balance(token: `0x${string}`, wallet: `0x${string}`, block: number): Promise<bigint | undefined> {
    const call = { address: token, abi: tokenAbi, functionName: 'balanceOf', args: [wallet], blockNumber: BigInt(block) } as const
    return this.#ask((client) => client.readContract(call).catch(() => undefined))
  }

  /**
   * viem says of a call that failed on the way the same as of one that the chain refused: that the signature does not hold. So failures are
   * noted where they happen, by a client for this one question.
   */
  async #ask<T>(question: (client: PublicClient) => Promise<T>): Promise<T> {
    let failure: DredError | undefined
    const request = async (call: Parameters<EIP1193RequestFn>[0]): Promise<unknown> => {
      try {
        return await this.#turnstile.pass(() => this.#request(call))
      } catch (error) {
        if (!isRevert(error)) failure ??= error instanceof DredError ? error : new DredError('chain_unavailable')
        throw error
      }
    }
    const client = createPublicClient({ transport: custom({ request }, { retryCount: 0 }) })
    const answer = await question(client).catch((error: unknown) => {
      throw failure ?? error
    })
    if (failure && answer !== true) throw failure
    return answer
  }
}

/** What an account's key signed needs no call. */
const ACCOUNTS_FIRST = { mode: 'eoa' } as const

/** Whether the chain executed a call, which then failed: anything else is no answer. */
function isRevert(error: unknown): boolean {
  return error instanceof BaseError && error.walk((cause) => cause instanceof ExecutionRevertedError || codeOf(cause) === 3) !== null
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}
