import type { Delegation } from '@dred/protocol'

/** What only the chain knows of wallets. Every method throws DredError `chain_unavailable`, and `rate_limited` when too much is asked at once. */
export interface WalletChain {
  /**
   * Whether the wallet that an EIP-4361 text names signed it, as an account, a contract (ERC-1271) or one that is not deployed yet (ERC-6492).
   * @param time Unix ms at which the text has to hold
   */
  signedDelegation(delegation: Delegation, time: number): Promise<boolean>
  /** Whether a wallet signed a text (EIP-191), in the same ways. */
  signedText(wallet: `0x${string}`, signed: { text: string; signature: `0x${string}` }): Promise<boolean>
  /** What `balanceOf` of a token says at a block; undefined when the contract does not answer that. */
  balance(token: `0x${string}`, wallet: `0x${string}`, block: number): Promise<bigint | undefined>
}
