import type { Static } from 'typebox'
import { limits } from '../limits.ts'
import { Key, Signature } from '../schemas.ts'
import { strict, Type } from '../type.ts'
import { Challenge } from './session.ts'

// Apart from what clients check, so that pages need not load it.

/** A wallet's signed word that a device acts for it. */
export const Delegation = Type.Object(
  {
    message: Type.String({ minLength: 1, maxLength: limits.delegationLength, description: 'EIP-4361 text' }),
    signature: Type.String({
      pattern: `^0x(?:[0-9a-fA-F]{2}){1,${limits.walletSignatureBytes}}$`,
      description: 'Of an account, a contract (ERC-1271), or a contract that is not deployed yet (ERC-6492)',
    }),
  },
  strict,
)
export type Delegation = Static<typeof Delegation>

/** Asks for a challenge. */
export const ChallengeRequest = Type.Object({ key: Key }, strict)

/** Answers a challenge. */
export const OpenSession = Type.Object(
  {
    key: Key,
    challenge: Challenge.properties.challenge,
    sig: Signature,
    delegation: Type.Optional(Delegation),
  },
  strict,
)
export type OpenSession = Static<typeof OpenSession>

export const SessionRequest = Type.Union([ChallengeRequest, OpenSession])
