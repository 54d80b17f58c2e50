import type { Fields } from '../config-fields.ts'

/** How streams and waiting requests are served: the table `realtime`. */
export interface RealtimeConfig {
  /** Longest time, in milliseconds, that a message is held to be written together with others, when many read the channel. */
  coalesceMs: number
  /** Channels that all streams follow together, each counted as often as it is followed. */
  maxSubscriptions: number
  /** Requests that wait for messages at once. */
  maxPolls: number
}

export const realtimeDefaults: RealtimeConfig = { coalesceMs: 4, maxSubscriptions: 100_000, maxPolls: 10_000 }

export function readRealtime(fields: Fields): RealtimeConfig {
  const { coalesceMs, maxSubscriptions, maxPolls } = realtimeDefaults
  const config = {
    coalesceMs: fields.integer('coalesceMs', { min: 0, max: 100, fallback: coalesceMs }),
    maxSubscriptions: fields.integer('maxSubscriptions', { min: 1, max: 100_000_000, fallback: maxSubscriptions }),
    maxPolls: fields.integer('maxPolls', { min: 1, max: 1_000_000, fallback: maxPolls }),
  }
  fields.refuseUnknown()
  return config
}
