import type { Instant, RelayCounters, RelayEffect, RelayEvent } from '@dred/protocol/relay'
import type { Random } from '@dred/protocol/testing/random'

/** What a simulated server runs: the relay core, or something to compare it with. */
export interface Machine {
  step(event: RelayEvent, now: Instant): readonly RelayEffect[]
  /** The next time of its hybrid clock, in microseconds. */
  tick(unixMs: number): number
  readonly counters?: Readonly<RelayCounters>
}

export interface MachineOptions {
  self: number
  incarnation: number
  /** Not for the core, which draws nothing. */
  random: Random
}

export type Protocol = (options: MachineOptions) => Machine
