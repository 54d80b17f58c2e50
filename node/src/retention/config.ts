import type { Fields } from '../config-fields.ts'
import type { RetentionCaps } from '../store/port.ts'

/** What a server keeps at most, whatever channels ask for: the table `retention`. Without a bound what is left out. */
export interface RetentionConfig extends RetentionCaps {
  /** Channels that it knows, for clients that create one. */
  maxChannels?: number
}

const MOST = Number.MAX_SAFE_INTEGER
/** The least that may be set: so much is kept that peers which were away for a moment still get it here. */
const BOUNDS: Record<keyof RetentionConfig, { min: number; max: number }> = {
  maxMessages: { min: 100, max: MOST },
  maxBytes: { min: 1_048_576, max: MOST },
  totalMessages: { min: 1_000, max: MOST },
  totalBytes: { min: 16_777_216, max: MOST },
  maxLifetimeMs: { min: 60_000, max: MOST },
  maxIdleMs: { min: 60_000, max: MOST },
  maxChannels: { min: 1, max: MOST },
}

export function readRetention(fields: Fields): RetentionConfig {
  const names = Object.keys(BOUNDS) as (keyof RetentionConfig)[]
  const given = names.filter((name) => fields.has(name)).map((name) => [name, fields.integer(name, BOUNDS[name])] as const)
  fields.refuseUnknown()
  return Object.fromEntries(given)
}
