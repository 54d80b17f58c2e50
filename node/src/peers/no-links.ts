import { createRelay } from '@dred/protocol/relay'
import type { RelayStatistics } from './port.ts'

/** Of a process that has no links. */
export function noLinks(): RelayStatistics {
  const { counters } = createRelay({ self: 1, incarnation: 1 })
  return { counters, links: [], receipts: new Map(), pendingBytes: 0, bodyBytes: 0, controlBytes: 0, joining: false }
}
