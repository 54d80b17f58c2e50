import { DredError } from '@dred/protocol'
import type { Access, Caller, Verb } from '../access/port.ts'
import type { TrackedChannel } from '../channel-tracker.ts'
import type { ChannelMembers } from './channel-members.ts'

/** Lets owners and members read, when they prove their device key by a bearer token, and write what they sign. */
export class MembersGate implements Access {
  readonly #members: ChannelMembers

  constructor(members: ChannelMembers) {
    this.#members = members
  }

  async assert(channel: TrackedChannel, verb: Verb, { device, key }: Caller & { key?: string }): Promise<void> {
    const who = verb === 'write' ? key : device
    if (who === undefined) throw new DredError('unauthorized')
    const { members } = (await this.#members.of(channel)).membership
    const role = members.get(who)?.role
    if (role !== 'owner' && role !== 'member') throw new DredError('not_a_member')
  }
}
