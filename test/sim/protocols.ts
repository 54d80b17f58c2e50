import { createRelay, step, topologies, type Topology } from '@dred/protocol/relay'
import { flood, gossip } from './comparators.ts'
import type { Protocol } from './machine.ts'

export const protocolNames = ['spt', 'star', 'ring', 'flood', 'gossip'] as const
export type ProtocolName = (typeof protocolNames)[number]

/** The product's relay core over one of its topologies, or something to compare it with. */
export function protocolOf(name: ProtocolName): Protocol {
  if (name === 'flood') return flood
  if (name === 'gossip') return gossip
  return relayOver(topologies[name])
}

function relayOver(topology: Topology): Protocol {
  return ({ self, incarnation }) => {
    const relay = createRelay({ self, incarnation, topology })
    return {
      step: (event, now) => step(relay, event, now),
      tick: (unixMs) => relay.clock.tick(unixMs),
      counters: relay.counters,
    }
  }
}
