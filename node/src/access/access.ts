import type { TrackedChannel } from '../channel-tracker.ts'
import type { Access, Caller, Verb } from './port.ts'

export interface Gates {
  /** Judges channels with access `members`. */
  members: Access
  /** Judges channels with access `token`. */
  token: Access
}

/** Sends each channel to the gate that its genesis names; an open one has none. */
export function accessBy(gates: Gates): Access {
  return {
    async assert(channel: TrackedChannel, verb: Verb, who: Caller & { key?: string }): Promise<void> {
      const { access } = channel.genesis
      if (access !== 'open') await gates[access].assert(channel, verb, who)
    },
  }
}
