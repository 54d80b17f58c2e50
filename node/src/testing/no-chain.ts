import { DredError } from '@dred/protocol'
import type { WalletChain } from '../identity/port.ts'

const unavailable = async (): Promise<never> => {
  throw new DredError('chain_unavailable')
}

/** A chain that cannot be reached. */
export const noChain: WalletChain = { signedDelegation: unavailable, signedText: unavailable, balance: unavailable }
