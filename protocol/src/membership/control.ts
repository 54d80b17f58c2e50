import type { Static, TSchema } from 'typebox'
import { canonicalJson, encodeBase64url, utf8 } from '../encoding.ts'
import { type Signer, type VerifySignature, verifySignature } from '../ed25519.ts'
import { DredError } from '../errors.ts'
import { limits } from '../limits.ts'
import { type ControlName, Id, Key, Signature, TimeMs } from '../schemas.ts'
import { strict, Type } from '../type.ts'
import { describeMismatch } from '../validate.ts'

/** Whoever holds the secret of a link, or one key, may become a member until it ends. */
export const Invite = Type.Union([
  Type.Object(
    {
      link: Key,
      uses: Type.Integer({ minimum: 1, maximum: limits.inviteUses, description: 'How many may become members by the link' }),
      expiresAt: TimeMs,
    },
    strict,
  ),
  Type.Object({ key: Key, expiresAt: TimeMs }, strict),
])
export type Invite = Static<typeof Invite>

/** By an invitation, or as a request that an owner has to approve. */
export const Join = Type.Union([
  Type.Object({}, strict),
  Type.Object({ invite: Id }, strict),
  Type.Object({ invite: Id, link: Key, proof: Signature }, strict),
])
export type Join = Static<typeof Join>

export const Approve = Type.Object(
  {
    key: Key,
    role: Type.Optional(Type.Union([Type.Literal('owner'), Type.Literal('member')], { description: 'Default: member' })),
  },
  strict,
)
export type Approve = Static<typeof Approve>

export const Leave = Type.Object({}, strict)
export type Leave = Static<typeof Leave>

/** Of a member, or of an invitation. */
export const Remove = Type.Union([Type.Object({ key: Key }, strict), Type.Object({ invite: Id }, strict)])
export type Remove = Static<typeof Remove>

/** What the `message` of each kind of control message is. */
export const controlBodies = { invite: Invite, join: Join, approve: Approve, leave: Leave, remove: Remove } as const satisfies Record<
  ControlName,
  TSchema
>

/** The kinds of control messages. */
export const controlNames = Object.keys(controlBodies) as ControlName[]

type ControlBodies = { [Name in ControlName]: Static<(typeof controlBodies)[Name]> }

/** A control message as the members of a channel follow from it. */
export type Control = {
  [Name in ControlName]: {
    id: string
    /** The device that signed. */
    key: string
    /** Unix ms, as it was dated. */
    sentAt: number
    control: Name
    body: ControlBodies[Name]
  }
}[ControlName]

/** Control messages are kept as long as their channel: no date of expiry of a message is as late. */
export const CONTROL_EXPIRES_AT = Number.MAX_SAFE_INTEGER

/** The bytes that the secret of a link signs to let a key in: canonical JSON with a `type`, which neither a message nor a genesis has. */
function joinBytes(channel: string, invite: string, key: string): Uint8Array<ArrayBuffer> {
  return utf8(canonicalJson({ type: 'join', channel, invite, key }))
}

/**
 * The body of a `join` by the secret of an invitation's link.
 * @param link signs with the secret key whose public key the invitation names
 * @param key of the device that joins
 */
export async function joinByLink(link: Signer, { channel, invite, key }: { channel: string; invite: string; key: string }): Promise<Join> {
  return { invite, link: link.key, proof: encodeBase64url(await link.sign(joinBytes(channel, invite, key))) }
}

/**
 * Checks what a control message says by itself: its shape, and the proof of a join. Whether its sender may do that, the other control
 * messages of the channel tell.
 * @throws DredError `malformed_statement`, `weak_key`, `invalid_signature`
 */
export async function verifyControl(
  channel: string,
  { control, key, message }: { control: ControlName; key: string; message: unknown },
  verify: VerifySignature = verifySignature,
): Promise<void> {
  const mismatch = describeMismatch(controlBodies[control], message)
  if (mismatch) throw new DredError('malformed_statement', { detail: `/message: ${mismatch}` })
  if (control !== 'join') return
  const join = message as Join
  if ('link' in join) await verify(join.link, join.proof, joinBytes(channel, join.invite, key))
}

/** Reads the signed bytes of a message that was verified. @returns undefined for one that is no control message */
export function controlOf({ id, canonical }: { id: string; canonical: string }): Control | undefined {
  const { key, sentAt, control, message } = JSON.parse(canonical) as { key: string; sentAt: number; control?: ControlName; message: never }
  return control === undefined ? undefined : { id, key, sentAt, control, body: message }
}
