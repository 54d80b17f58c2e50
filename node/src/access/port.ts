import type { TrackedChannel } from '../channel-tracker.ts'

/** Who asks, as far as it has proved that to this server by a bearer token and what came with it. */
export interface Caller {
  /** Ed25519 device key, base64url; undefined for somebody who proved nothing. */
  device?: string
  /** Wallet whose delegation names the device, lowercase. */
  wallet?: `0x${string}`
  /** Unix ms at which the wallet issued that delegation. */
  delegatedAt?: number
  /** A capability as it came in the header `Dred-Capability`; nobody has judged it yet. */
  capability?: string
}

export const nobody: Caller = {}

export type Verb = 'read' | 'write'

/** Who may read and write a channel. Confidentiality is the members' own: this is about what a server spends its means on. */
export interface Access {
  /**
   * @param key the device key that a message is signed with: for writing
   * @throws DredError `unauthorized`, `not_a_member`, `capability_needed`
   */
  assert(channel: TrackedChannel, verb: Verb, who: Caller & { key?: string }): Promise<void>
}
