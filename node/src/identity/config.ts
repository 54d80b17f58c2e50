import { limits } from '@dred/protocol'
import type { Fields } from '../config-fields.ts'

/** What an operator decides about sessions, delegations and capabilities. */
export interface IdentityConfig {
  /** Milliseconds that a bearer token holds. */
  sessionMs: number
  /** Milliseconds that a capability holds. */
  capabilityMs: number
  /** Domains whose delegations are taken, each a host, with its port if it is not the default one; empty for any. */
  domains: string[]
}

export const identityDefaults: IdentityConfig = { sessionMs: 3_600_000, capabilityMs: 600_000, domains: [] }

export function readIdentity(fields: Fields): IdentityConfig {
  const { sessionMs, capabilityMs } = identityDefaults
  const identity = {
    sessionMs: fields.integer('sessionMs', { min: 60_000, max: 86_400_000, fallback: sessionMs }),
    capabilityMs: fields.integer('capabilityMs', { ...limits.capabilityMs, fallback: capabilityMs }),
    domains: fields.strings('domains'),
  }
  fields.refuseUnknown()
  return identity
}
