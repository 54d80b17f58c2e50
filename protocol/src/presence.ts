import type { Static } from 'typebox'
import { canonicalJson, encodeBase64url, type JsonValue, utf8 } from './encoding.ts'
import { type Signer, type VerifySignature, verifySignature } from './ed25519.ts'
import { DredError } from './errors.ts'
import { limits } from './limits.ts'
import { Id, Key, Signature, TimeMs } from './schemas.ts'
import { strict, Type } from './type.ts'
import { describeMismatch } from './validate.ts'

const Data = Type.Unknown({ description: `Any JSON value of up to ${limits.presenceBytes} bytes` })

/** What a device says to be present in a channel: a lease, to be renewed before it ends. */
export const Presence = Type.Object(
  {
    key: Key,
    data: Type.Optional(Data),
    sentAt: TimeMs,
    ttlMs: Type.Integer({ minimum: 1, maximum: limits.presenceMs, description: 'It ends so many milliseconds after sentAt' }),
    gone: Type.Optional(Type.Literal(true, { description: 'The device leaves' })),
    sig: Signature,
  },
  strict,
)
export type Presence = Static<typeof Presence>

export const PresenceResult = Type.Object({ expiresAt: TimeMs })
export type PresenceResult = Static<typeof PresenceResult>

const present = { key: Key, data: Type.Optional(Data), expiresAt: TimeMs }

/** Who is in a channel, on all servers. */
export const PresenceList = Type.Object({ items: Type.Array(Type.Object({ ...present, sentAt: TimeMs })) })
export type PresenceList = Static<typeof PresenceList>

export const PresenceEvent = Type.Object({
  type: Type.Literal('presence'),
  channel: Id,
  ...present,
  state: Type.Union([Type.Literal('enter'), Type.Literal('update'), Type.Literal('leave')]),
})
export type PresenceEvent = Static<typeof PresenceEvent>

/** A lease whose shape and signature have been checked. */
export interface VerifiedPresence {
  channel: string
  presence: Presence
  /** Canonical JSON of the lease with its signature and its channel. */
  text: string
}

/** Unix ms at which a lease ends. One that takes back others is to be remembered until none of them could hold any more. */
export function presenceEndsAt({ sentAt, ttlMs, gone }: Presence): number {
  return sentAt + (gone ? limits.presenceMs : ttlMs)
}

/** The signed bytes: canonical JSON with a `type`, which neither a message nor a genesis has. */
function presenceBytes(channel: string, unsigned: Omit<Presence, 'sig'>): Uint8Array<ArrayBuffer> {
  return utf8(canonical({ type: 'presence', channel, ...(unsigned as Record<string, JsonValue>) }))
}

/**
 * Signs a lease.
 * @param fields `sentAt` in Unix milliseconds
 * @throws DredError `malformed_statement`, `body_too_large`
 */
export async function signPresence(signer: Signer, channel: string, fields: Omit<Presence, 'key' | 'sig'>): Promise<Presence> {
  const unsigned = { ...fields, key: signer.key }
  assertSmall(unsigned)
  return { ...unsigned, sig: encodeBase64url(await signer.sign(presenceBytes(channel, unsigned))) }
}

/**
 * Checks what was put into a channel: shape, size, signature. Dates and access are the server's to judge.
 * @throws DredError `malformed_statement`, `body_too_large`, `weak_key`, `invalid_signature`
 */
export async function verifyPresence(channel: string, body: unknown, verify: VerifySignature = verifySignature): Promise<VerifiedPresence> {
  const mismatch = describeMismatch(Presence, body)
  if (mismatch) throw new DredError('malformed_statement', { detail: mismatch })
  const presence = body as Presence
  const { sig, ...unsigned } = presence
  assertSmall(unsigned)
  await verify(presence.key, sig, presenceBytes(channel, unsigned))
  return { channel, presence, text: canonical({ channel, ...(presence as Record<string, JsonValue>) }) }
}

/**
 * Checks what another server passed on.
 * @throws DredError as {@link verifyPresence}
 */
export async function verifyPresenceText(text: string, verify?: VerifySignature): Promise<VerifiedPresence> {
  const { channel, ...body } = parsed(text)
  if (describeMismatch(Id, channel)) throw new DredError('malformed_statement', { detail: 'No channel' })
  const verified = await verifyPresence(channel as string, body, verify)
  if (verified.text !== text) throw new DredError('malformed_statement', { detail: 'Not in canonical form' })
  return verified
}

function assertSmall({ data }: Pick<Presence, 'data'>): void {
  if (data === undefined) return
  const bytes = utf8(canonical(data as JsonValue)).length
  if (bytes <= limits.presenceBytes) return
  throw new DredError('body_too_large', { detail: `The data has ${bytes} bytes, ${limits.presenceBytes} are allowed` })
}

function canonical(value: JsonValue): string {
  try {
    return canonicalJson(value)
  } catch (cause) {
    throw new DredError('malformed_statement', { detail: 'The data has no canonical form', cause })
  }
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw new DredError('malformed_statement', { detail: 'Not a JSON object' })
}
