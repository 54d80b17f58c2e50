import type { RelayEffect } from '@dred/protocol/relay'
import type { Random } from '@dred/protocol/testing/random'
import type { Checks } from './checks.ts'
import type { Protocol } from './machine.ts'
import type { Measures } from './measures.ts'
import type { Accepted, Messages } from './messages.ts'
import type { Network } from './network.ts'
import type { Scenario } from './scenario.ts'
import type { SimulatedServer } from './server.ts'

/** What the parts of a simulation have in common. */
export interface World {
  readonly scenario: Scenario
  readonly protocol: Protocol
  /** Milliseconds since clients began to publish; negative before. */
  readonly nowMs: number
  /** The true time, Unix ms. */
  readonly unixMs: number
  readonly servers: ReadonlyMap<number, SimulatedServer>
  readonly network: Network
  readonly messages: Messages
  readonly checks: Checks
  readonly measures: Measures
  after(ms: number, run: () => void): void
  random(concern: string): Random
  send(from: SimulatedServer, effect: Extract<RelayEffect, { type: 'send' }>): void
  accepted(accepted: Accepted): void
  /** A list of servers got the name by which frames refer to it. */
  named(epoch: number, ids: readonly number[]): void
}
