import type { Fields } from './config-fields.ts'

/** The `drain` part of the configuration: how a server goes, in milliseconds. */
export interface DrainConfig {
  /** For which it serves on as before, but says on its admin port that it is not ready: for a load balancer to notice. */
  delayMs: number
  /** After which clients may come back: each is told a time from this to twice this, so that they do not come at once. */
  retryMs: number
  /** For which it waits at most for its peers to have what it has, and then again for requests to end. */
  timeoutMs: number
}

export const drainDefaults: DrainConfig = { delayMs: 0, retryMs: 250, timeoutMs: 5_000 }

export function readDrain(fields: Fields): DrainConfig {
  const drain = {
    delayMs: fields.integer('delayMs', { min: 0, max: 300_000, fallback: drainDefaults.delayMs }),
    retryMs: fields.integer('retryMs', { min: 0, max: 60_000, fallback: drainDefaults.retryMs }),
    timeoutMs: fields.integer('timeoutMs', { min: 0, max: 300_000, fallback: drainDefaults.timeoutMs }),
  }
  fields.refuseUnknown()
  return drain
}
