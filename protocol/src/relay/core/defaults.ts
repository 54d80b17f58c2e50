import type { RelayBounds, RelayTimings } from './types.ts'

export const defaultTimings: RelayTimings = {
  ackMs: 10,
  haveMs: 100,
  digestMs: 250,
  graceMs: 300,
  retransmitMs: 250,
  overdueMs: 300,
  vectorMs: 4_000,
  pullMs: 1_000,
  retryMs: 1_000,
  leafMs: 30_000,
  pingMs: 15_000,
  silentMs: 9_000,
  causalMs: 5_000,
  admitMs: 2_000,
  joinMs: 10_000,
  headMs: 30_000,
  latencyRowMs: 60_000,
  receiptMs: 60_000,
}

export const defaultBounds: RelayBounds = {
  windowBytes: 4_194_304,
  queueBytes: 262_144,
  queueMs: 500,
  originBytes: 4_194_304,
  senderBytes: 6_291_456,
  pendingBytes: 16_777_216,
  cacheBytes: 16_777_216,
  headMessages: 64,
  aheadMs: 30_000,
  pulls: 2,
}
