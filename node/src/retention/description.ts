import { type ChannelDescription, encodeCursor } from '@dred/protocol'
import { channelExpiresAt } from '../channel-tracker.ts'
import type { ChannelState } from '../store/port.ts'
import type { Retention } from './retention.ts'

/** A channel as clients are told of it, with what this server keeps of it. */
export function describe(state: ChannelState, retention: Retention | undefined): ChannelDescription {
  const { id, genesis, messages, vector } = state
  const kept = { messages, ...(retention?.told && { retention: retention.told }) }
  return { id, genesis, expiresAt: channelExpiresAt(state), ...kept, cursor: encodeCursor(id, vector) }
}
