import { canonicalJson, encodeBase64url, type JsonValue, utf8 } from './encoding.ts'
import { type Signer, type VerifySignature, verifySignature } from './ed25519.ts'
import { DredError } from './errors.ts'
import { limits } from './limits.ts'
import { hashId } from './message.ts'
import { type Gate, SignedGenesis } from './schemas.ts'
import { describeMismatch } from './validate.ts'

/** A genesis whose shape and signature have been checked. */
export interface VerifiedGenesis {
  /** Channel id: base64url SHA-256 of `canonical`. */
  id: string
  /** The signed bytes as text. */
  canonical: string
  genesis: SignedGenesis
}

/** What a creator decides; the rest has defaults. Times in milliseconds. */
export interface GenesisFields {
  neighborhood: string
  createdAt: number
  /** 16 random bytes. */
  salt: Uint8Array
  name?: string
  mode?: SignedGenesis['mode']
  access?: SignedGenesis['access']
  /** With access `token`, and only then. */
  gate?: Gate
  /** Default one day. */
  lifetimeMs?: number
  /** Default one week. */
  idleMs?: number
  limits?: SignedGenesis['limits']
}

const DAY_MS = 86_400_000

/**
 * Signs a new channel into being.
 * @throws DredError `malformed_genesis` when a field is out of its bounds
 */
export async function signGenesis(signer: Signer, fields: GenesisFields): Promise<VerifiedGenesis> {
  const unsigned = {
    v: 1 as const,
    key: signer.key,
    mode: 'causal' as const,
    access: 'open' as const,
    lifetimeMs: DAY_MS,
    idleMs: 7 * DAY_MS,
    limits: { messageBytes: limits.messageBytes },
    ...fields,
    salt: encodeBase64url(fields.salt),
  }
  const canonical = canonicalJson(unsigned as JsonValue)
  const sig = encodeBase64url(await signer.sign(utf8(canonical)))
  return verifyGenesis({ ...unsigned, sig })
}

/**
 * Checks a channel's genesis: shape, size and signature.
 * @param id the channel id that it has to hash to, when known
 * @throws DredError `malformed_genesis`, `body_too_large`, `genesis_mismatch`, `weak_key`, `invalid_signature`
 */
export async function verifyGenesis(body: unknown, id?: string, verify: VerifySignature = verifySignature): Promise<VerifiedGenesis> {
  const mismatch = describeMismatch(SignedGenesis, body)
  if (mismatch) throw new DredError('malformed_genesis', { detail: mismatch })
  const genesis = body as SignedGenesis
  if ((genesis.access === 'token') !== (genesis.gate !== undefined)) {
    throw new DredError('malformed_genesis', { detail: 'A channel has a gate exactly when its access is token' })
  }
  const { sig, ...unsigned } = genesis
  const canonical = canonicalOf(unsigned)
  const bytes = utf8(canonical)
  if (bytes.length > limits.genesisBytes) throw new DredError('body_too_large')
  const actualId = hashId(canonical)
  if (id !== undefined && id !== actualId) throw new DredError('genesis_mismatch', { detail: `The genesis hashes to ${actualId}` })
  await verify(genesis.key, sig, bytes)
  return { id: actualId, canonical, genesis }
}

function canonicalOf(genesis: JsonValue): string {
  try {
    return canonicalJson(genesis)
  } catch (cause) {
    throw new DredError('malformed_genesis', { detail: 'The genesis has no canonical form', cause })
  }
}
