import type { Static } from 'typebox'
import { canonicalJson, utf8 } from '../encoding.ts'
import { limits } from '../limits.ts'
import { TimeMs } from '../schemas.ts'
import { Type } from '../type.ts'
import { Wallet } from './delegation.ts'
import { inNeighborhood, type NeighborhoodRef } from './neighborhood-ref.ts'

export const Challenge = Type.Object({
  challenge: Type.String({ minLength: 1, maxLength: limits.challengeLength, description: 'To be signed with the device key' }),
  expiresAt: TimeMs,
})
export type Challenge = Static<typeof Challenge>

export const Session = Type.Object({
  token: Type.String({ description: 'For the header Authorization: Bearer, at this server' }),
  expiresAt: TimeMs,
  wallet: Type.Optional(Wallet),
})
export type Session = Static<typeof Session>

/**
 * The bytes that a device signs to open a session: canonical JSON with a `type`, which neither a message nor a genesis has.
 * @param session `server` is the registry id of the server that is meant, from the chain or discovery and not from the one that asks
 */
export function sessionBytes(ref: NeighborhoodRef, session: { server: number; key: string; challenge: string }): Uint8Array<ArrayBuffer> {
  const { server, key, challenge } = session
  return utf8(canonicalJson({ type: 'session', ...inNeighborhood(ref), server, key, challenge }))
}
