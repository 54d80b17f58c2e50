import type { Static } from 'typebox'
import { canonicalJson, utf8 } from '../encoding.ts'
import { limits } from '../limits.ts'
import { Key, TimeMs } from '../schemas.ts'
import { strict, Type } from '../type.ts'
import { Wallet } from './delegation.ts'
import { inNeighborhood, type NeighborhoodRef } from './neighborhood-ref.ts'

/** Takes back the delegations of a wallet that were issued up to `revokedAt`. */
export const Revocation = Type.Object(
  {
    wallet: Wallet,
    device: Type.Optional(Key),
    revokedAt: TimeMs,
    by: Type.Union([Type.Literal('device'), Type.Literal('wallet')], { description: 'Who signs; without `device` only the wallet may' }),
    sig: Type.String({
      pattern: `^(?:[A-Za-z0-9_-]{86}|0x(?:[0-9a-fA-F]{2}){1,${limits.revocationSignatureBytes}})$`,
      description: 'By the device: Ed25519, base64url; by the wallet: EIP-191, hexadecimal',
    }),
  },
  strict,
)
export type Revocation = Static<typeof Revocation>

/** The revocation as a server keeps it. */
export const RevocationResult = Type.Object({ revokedAt: TimeMs, expiresAt: TimeMs })

type Unsigned = Omit<Revocation, 'sig'>

function revocationStatement(ref: NeighborhoodRef, { wallet, device, revokedAt, by }: Unsigned): string {
  return canonicalJson({
    type: 'revocation',
    ...inNeighborhood(ref),
    wallet,
    revokedAt,
    by,
    ...(device === undefined ? {} : { device }),
  })
}

/** The bytes that a device signs (Ed25519). */
export function revocationBytes(ref: NeighborhoodRef, revocation: Unsigned): Uint8Array<ArrayBuffer> {
  return utf8(revocationStatement(ref, revocation))
}

/** The text that a wallet signs (EIP-191, `personal_sign`). */
export function revocationText(ref: NeighborhoodRef, revocation: Unsigned): string {
  return `Take back what this wallet let devices do in Dred.\n\n${revocationStatement(ref, revocation)}`
}
