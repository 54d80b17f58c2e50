import { canonicalJson, hashId, type SignedGenesis } from '@dred/protocol'
import type { Entry, LoggedMessage, NewEntry } from '../port.ts'

/** Of the right length; the store does not verify signatures. */
const SIGNATURE = 'S'.repeat(86)
const KEY = 'K'.repeat(43)

export type NewMessage = NewEntry & { kind: 'message' }
export type NewGenesis = NewEntry & { kind: 'genesis' }

/** A channel's genesis, different for every name. Times in milliseconds. */
export function genesis(
  name: string,
  {
    createdAt = 1_000,
    idleMs = 100_000,
    lifetimeMs = 10_000,
    access = 'open',
  }: Partial<Pick<SignedGenesis, 'createdAt' | 'idleMs' | 'lifetimeMs' | 'access'>> = {},
): NewGenesis {
  const unsigned = {
    v: 1 as const,
    neighborhood: '1',
    key: KEY,
    createdAt,
    mode: 'causal' as const,
    access,
    name,
    lifetimeMs,
    idleMs,
    limits: { messageBytes: 65_536 },
    salt: 'A'.repeat(22),
  }
  const canonical = canonicalJson(unsigned)
  const id = hashId(canonical)
  const signed: SignedGenesis = { ...unsigned, sig: SIGNATURE }
  return {
    kind: 'genesis',
    channel: id,
    id,
    canonical,
    sig: SIGNATURE,
    sentAt: createdAt,
    expiresAt: Number.MAX_SAFE_INTEGER,
    genesis: signed,
  }
}

/** A message of a channel, different for every text. Times in milliseconds. */
export function message(channel: string, text: string, { sentAt = 2_000, lifetimeMs = 10_000 } = {}): NewMessage {
  const canonical = canonicalJson({ channel, key: KEY, message: text, sentAt, v: 1 })
  return { kind: 'message', channel, id: hashId(canonical), canonical, sig: SIGNATURE, sentAt, expiresAt: sentAt + lifetimeMs }
}

/** A message that stays for as long as its channel. */
export function control(channel: string, text: string, { sentAt = 2_000 } = {}): NewMessage {
  return { ...message(channel, text, { sentAt }), expiresAt: Number.MAX_SAFE_INTEGER }
}

/** An entry as a peer hands it on. */
export function at<T extends NewEntry>(entry: T, [server, incarnation, n]: [number, number, number], clock = 5_000): T & Entry {
  return { ...entry, coordinate: { server, incarnation, n }, clock } as T & Entry
}

/** The server whose store is tested. */
export const self = { server: 7, incarnation: 1_700_000_000_000 }
export const ownOrigin = '7-1700000000000'
export const channel: NewGenesis = genesis('a channel')

export function ids(messages: readonly LoggedMessage[]): string[] {
  return messages.map(({ entry }) => entry.id)
}
