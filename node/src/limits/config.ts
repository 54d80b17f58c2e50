import type { Fields } from '../config-fields.ts'
import type { Rate } from './token-bucket.ts'

/** What a bucket belongs to. */
export const scopes = ['address', 'creations', 'sessions', 'device', 'wallet', 'channel'] as const
export type Scope = (typeof scopes)[number]

/** How many there may be at one time. */
export interface AtOnce {
  total: number
  perAddress: number
}

/**
 * The `limits` part of the configuration. Buckets of tokens, `false` for one that never ends: `address` for the requests of one address
 * (IPv6: one /64) by their cost; `creations` and `sessions` for the channels, and the sessions, capabilities and revocations, of one
 * address; `device`, `wallet` and `channel` for messages by their cost. And what there may be at one time.
 */
export interface LimitsConfig extends Record<Scope, Rate | false> {
  connections: AtOnce
  /** Requests that are not answered to their end: streams too. */
  requests: AtOnce
}

export const defaultLimits: LimitsConfig = {
  address: { burst: 6_000, perSecond: 600 },
  creations: { burst: 600, perSecond: 1 },
  sessions: { burst: 120, perSecond: 2 },
  device: { burst: 2_000, perSecond: 200 },
  wallet: { burst: 10_000, perSecond: 1_000 },
  channel: { burst: 20_000, perSecond: 2_000 },
  connections: { total: 20_000, perAddress: 1_000 },
  requests: { total: 20_000, perAddress: 2_000 },
}

const ANY_NUMBER: AtOnce = { total: 1_000_000_000, perAddress: 1_000_000_000 }

/** For tests and measurements. */
export const noLimits: LimitsConfig = {
  address: false,
  creations: false,
  sessions: false,
  device: false,
  wallet: false,
  channel: false,
  connections: ANY_NUMBER,
  requests: ANY_NUMBER,
}

const COUNT = { min: 1, max: 1_000_000_000 }

/** Reads the section; what is not there has its default. */
export function readLimits(fields: Fields): LimitsConfig {
  const limits = { ...defaultLimits }
  for (const scope of scopes) limits[scope] = !fields.isFalse(scope) && readPair(fields.table(scope), rateOf(scope))
  for (const name of ['connections', 'requests'] as const) limits[name] = readPair(fields.table(name), defaultLimits[name])
  fields.refuseUnknown()
  return limits
}

function rateOf(scope: Scope): Rate {
  return defaultLimits[scope] || { burst: 1, perSecond: 1 }
}

/** A table of whole numbers. */
function readPair<T extends Rate | AtOnce>(fields: Fields, defaults: T): T {
  const pair = Object.fromEntries(
    Object.entries(defaults).map(([name, fallback]: [string, number]) => [name, fields.integer(name, { ...COUNT, fallback })]),
  )
  fields.refuseUnknown()
  return pair as unknown as T
}
