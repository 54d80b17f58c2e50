import { canonicalJson, encodeBase64url, type JsonValue, sha256, utf8 } from './encoding.ts'
import { type Signer, type VerifySignature, verifySignature } from './ed25519.ts'
import { DredError } from './errors.ts'
import { limits } from './limits.ts'
import { verifyControl } from './membership/control.ts'
import { type ControlName, SignedMessage } from './schemas.ts'
import { describeMismatch } from './validate.ts'

/** A message whose shape, id and signature have been checked. */
export interface VerifiedMessage {
  /** base64url SHA-256 of `canonical`. */
  id: string
  channel: string
  /** The signed bytes as text: they are the message from here on, stored and forwarded as they are. */
  canonical: string
  sig: string
  key: string
  /** Unix milliseconds, as the sender dated it. */
  sentAt: number
  /** Ids of messages that its sender had seen. */
  prev: readonly string[]
  /** What it does to the membership of the channel; its `message` then has the shape of that. */
  control?: ControlName
}

type Unsigned = Omit<SignedMessage, 'sig'>

/** The text whose UTF-8 bytes are signed and hashed. */
function canonicalMessage(channel: string, { message, key, sentAt, prev, nonce, control }: Unsigned): string {
  return canonicalJson({
    channel,
    key,
    message: message as JsonValue,
    sentAt,
    v: 1,
    ...(prev === undefined ? {} : { prev }),
    ...(nonce === undefined ? {} : { nonce }),
    ...(control === undefined ? {} : { control }),
  })
}

export function hashId(canonical: string): string {
  return encodeBase64url(sha256(utf8(canonical)))
}

/**
 * Signs a message for one channel.
 * @param fields `sentAt` in Unix milliseconds; `prev` up to four message ids; `nonce` tells equal messages apart;
 *   `control` with a `message` of the shape that `controlBodies` has for it
 * @throws DredError `malformed_message` when the message has no canonical form, `body_too_large`
 */
export async function signMessage(
  signer: Signer,
  channel: string,
  fields: { message: unknown; sentAt: number; prev?: string[]; nonce?: string; control?: ControlName },
): Promise<{ id: string; signed: SignedMessage }> {
  const unsigned: Unsigned = { ...fields, key: signer.key }
  const canonical = canonicalMessage(channel, unsigned)
  const bytes = utf8(canonical)
  if (bytes.length > limits.messageBytes) {
    throw new DredError('body_too_large', { detail: `The message has ${bytes.length} bytes, ${limits.messageBytes} are allowed` })
  }
  const sig = encodeBase64url(await signer.sign(bytes))
  return { id: encodeBase64url(sha256(bytes)), signed: { ...unsigned, sig } }
}

/**
 * Checks a message posted to a channel: shape, size, signature. Dates and access are the server's to judge.
 * @param options.maxBytes of the canonical form
 * @throws DredError `malformed_message`, `malformed_statement` for a control message, `body_too_large`, `weak_key`, `invalid_signature` (also for
 *   another channel's message)
 */
export async function verifyMessage(
  channel: string,
  body: unknown,
  { maxBytes = limits.messageBytes, verify = verifySignature }: { maxBytes?: number; verify?: VerifySignature | undefined } = {},
): Promise<VerifiedMessage> {
  const mismatch = describeMismatch(SignedMessage, body)
  if (mismatch) throw new DredError('malformed_message', { detail: mismatch })
  const signed = body as SignedMessage
  const canonical = canonicalMessage(channel, signed)
  const bytes = utf8(canonical)
  if (bytes.length > maxBytes) {
    throw new DredError('body_too_large', { detail: `The message has ${bytes.length} bytes, ${maxBytes} are allowed` })
  }
  await verify(signed.key, signed.sig, bytes)
  const { sig, key, sentAt, prev = [], control, message } = signed
  if (control !== undefined) await verifyControl(channel, { control, key, message }, verify)
  const id = encodeBase64url(sha256(bytes))
  return { id, channel, canonical, sig, key, sentAt, prev, ...(control === undefined ? {} : { control }) }
}

/**
 * Checks a message that came as its signed bytes, from a peer or a stream.
 * @throws DredError as {@link verifyMessage}; `malformed_message` too when the text is not canonical
 */
export async function verifyCanonicalMessage(canonical: string, sig: string, verify?: VerifySignature): Promise<VerifiedMessage> {
  const { channel, v, ...fields } = parseObject(canonical)
  if (typeof channel !== 'string' || v !== 1) throw new DredError('malformed_message', { detail: 'No channel or an unknown version' })
  const verified = await verifyMessage(channel, { ...fields, sig }, { verify })
  if (verified.canonical !== canonical) throw new DredError('malformed_message', { detail: 'The signed bytes are not in canonical form' })
  return verified
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Told below: what it is not matters more than where the parser stopped.
  }
  throw new DredError('malformed_message', { detail: 'The signed bytes are not a JSON object' })
}
