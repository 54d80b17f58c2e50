import { type IdentityOffer, type VerifySignature, verifySignature } from '@dred/protocol'
import type { Access } from '../access/port.ts'
import type { RegistryView } from '../chain/port.ts'
import type { ServerKey } from '../chain/server-key.ts'
import type { Notices } from '../notices/port.ts'
import type { Bus } from '../processes/bus.ts'
import { Capabilities } from './capabilities.ts'
import { type IdentityConfig, identityDefaults } from './config.ts'
import { Delegations } from './delegations.ts'
import type { WalletChain } from './port.ts'
import { Revocations } from './revocations.ts'
import { ServerTokens } from './server-tokens.ts'
import { Sessions } from './sessions.ts'
import { TokenGate } from './token-gate.ts'

export interface IdentityOptions {
  settings?: IdentityConfig | undefined
  registry: RegistryView
  /** Registry id of this server. */
  self: { id: number }
  key: ServerKey
  wallets: WalletChain
  notices: Notices
  bus: Bus
  /** Default: WebCrypto. */
  verify?: VerifySignature | undefined
  /** Unix milliseconds. */
  now: () => number
}

/** Who clients are, and what their wallets let them do. */
export interface Identity {
  sessions: Sessions
  revocations: Revocations
  capabilities: Capabilities
  /** Judges channels with access `token`. */
  gate: Access
  /** For `/.well-known/dred`. */
  offer: IdentityOffer
}

export function createIdentity({ settings = identityDefaults, verify = verifySignature, ...options }: IdentityOptions): Identity {
  const { registry, self, wallets, notices, bus, now } = options
  const tokens = new ServerTokens(options)
  const revocations = new Revocations({ ref: registry, notices, wallets, verify, now })
  const delegations = new Delegations({ wallets, revocations })
  const { sessionMs, capabilityMs, domains } = settings
  return {
    sessions: new Sessions({ tokens, delegations, revocations, registry, self, settings, bus, verify, now }),
    revocations,
    capabilities: new Capabilities({ tokens, wallets, registry, settings }),
    gate: new TokenGate({ tokens, revocations, now }),
    offer: { sessionMs, capabilityMs, ...(domains.length > 0 ? { domains } : {}) },
  }
}
