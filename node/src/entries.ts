import { CONTROL_EXPIRES_AT, type VerifiedGenesis, type VerifiedMessage } from '@dred/protocol'
import type { NewEntry } from './store/port.ts'

/** A control message stays for as long as its channel, as who belongs to it follows from them all. */
export function messageEntry(message: VerifiedMessage, lifetimeMs: number): NewEntry & { kind: 'message' } {
  const { channel, id, canonical, sig, sentAt, control } = message
  const expiresAt = control === undefined ? sentAt + lifetimeMs : CONTROL_EXPIRES_AT
  return { kind: 'message', channel, id, canonical, sig, sentAt, expiresAt }
}

/** A genesis stays for as long as its channel does, which its messages prolong: the channel's idle time decides, not a date here. */
export function genesisEntry({ id, canonical, genesis }: VerifiedGenesis): NewEntry & { kind: 'genesis' } {
  return {
    kind: 'genesis',
    channel: id,
    id,
    canonical,
    sig: genesis.sig,
    sentAt: genesis.createdAt,
    expiresAt: Number.MAX_SAFE_INTEGER,
    genesis,
  }
}
