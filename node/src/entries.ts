import type { VerifiedGenesis, VerifiedMessage } from '@dred/protocol'
import type { NewEntry } from './store/port.ts'

export function messageEntry(message: VerifiedMessage, lifetimeMs: number): NewEntry & { kind: 'message' } {
  const { channel, id, canonical, sig, sentAt } = message
  return { kind: 'message', channel, id, canonical, sig, sentAt, expiresAt: sentAt + lifetimeMs }
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
