import { type Capability, DredError, type SignedGenesis } from '@dred/protocol'
import { LRUCache } from 'lru-cache'
import type { Caller } from '../access/port.ts'
import type { RegistryView } from '../chain/port.ts'
import type { IdentityConfig } from './config.ts'
import type { WalletChain } from './port.ts'
import type { ServerTokens } from './server-tokens.ts'

export interface CapabilitiesOptions {
  tokens: ServerTokens
  wallets: WalletChain
  registry: Pick<RegistryView, 'chainId' | 'freshness'>
  settings: Pick<IdentityConfig, 'capabilityMs'>
}

interface Reading {
  balance: bigint | undefined
  block: number
}

/** Balances that were read, each at its block. */
const READ = { max: 10_000 }

/** Evaluates token gates. */
export class Capabilities {
  readonly #options: CapabilitiesOptions
  readonly #read = new LRUCache<string, Promise<Reading>>(READ)

  constructor(options: CapabilitiesOptions) {
    this.#options = options
  }

  /**
   * A capability for the caller's device, when its wallet holds what the channel asks for.
   * @param caller of a session that was judged
   * @throws DredError `unauthorized`, `malformed_request`, `channel_unsupported`, `gate_not_met`, `chain_unavailable`, `rate_limited`
   */
  async issue({ id, genesis }: { id: string; genesis: SignedGenesis }, caller: Caller): Promise<Capability> {
    const { tokens, registry, settings } = this.#options
    const { device, wallet, delegatedAt } = caller
    if (device === undefined) throw new DredError('unauthorized')
    if (wallet === undefined || delegatedAt === undefined) {
      throw new DredError('unauthorized', { detail: 'The session names no wallet: open one with a delegation' })
    }
    const { gate } = genesis
    if (!gate) throw new DredError('malformed_request', { detail: 'The channel has no token gate' })
    if (gate.chainId !== registry.chainId) {
      throw new DredError('channel_unsupported', { detail: `This server reads balances on chain ${registry.chainId} only` })
    }
    const { balance, block } = await this.#balance(gate.contract as `0x${string}`, wallet)
    if (balance === undefined || balance < BigInt(gate.min)) {
      const held = balance === undefined ? 'The contract of the gate tells no balance' : `The wallet holds ${balance}`
      throw new DredError('gate_not_met', { detail: `${held} at block ${block}; ${gate.min} of ${gate.contract} are asked for` })
    }
    const claims = { sub: device, channel: id, wallet, delegatedAt, verbs: ['read', 'write'], block }
    const { token, expiresAt } = await tokens.sign('capability', claims, settings.capabilityMs)
    return { capability: token, expiresAt, block }
  }

  /** At the last block that this server has read; asked once for each block. */
  #balance(contract: `0x${string}`, wallet: `0x${string}`): Promise<Reading> {
    const { wallets, registry } = this.#options
    const { fresh, block } = registry.freshness()
    if (!fresh) throw new DredError('chain_unavailable')
    const known = `${contract}/${wallet}/${block}`
    const reading = this.#read.get(known)
    if (reading) return reading
    const asked = wallets.balance(contract, wallet, block).then((balance) => ({ balance, block }))
    this.#read.set(known, asked)
    asked.catch(() => this.#read.peek(known) === asked && this.#read.delete(known))
    return asked
  }
}
