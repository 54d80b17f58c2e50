import {
  canonicalJson,
  DredError,
  describeMismatch,
  type JsonValue,
  limits,
  type NeighborhoodRef,
  Revocation,
  revocationBytes,
  revocationText,
  type VerifySignature,
} from '@dred/protocol'
import type { Notice, Notices } from '../notices/port.ts'
import type { WalletChain } from './port.ts'

export interface RevocationsOptions {
  ref: NeighborhoodRef
  notices: Notices
  wallets: WalletChain
  verify: VerifySignature
  /** Unix milliseconds. */
  now: () => number
}

/** What a session or a capability rests on. */
export interface Grant {
  wallet: `0x${string}`
  device: string
  /** Unix ms at which the wallet issued the delegation. */
  delegatedAt: number
}

/** Delegations that were taken back, here or at another server of the neighborhood. */
export class Revocations {
  readonly #options: RevocationsOptions

  constructor(options: RevocationsOptions) {
    this.#options = options
    options.notices.register('revocation', async (text) => {
      const notice = await this.#judge(parse(text))
      // Otherwise who passes it on could make many of one.
      if (notice.text !== text) throw malformed('Not in canonical form')
      return notice
    })
  }

  /**
   * Takes a revocation from a client and tells it to all servers.
   * @param body as parsed from JSON, not judged by anybody yet
   * @throws DredError `malformed_statement`, `clock_skew`, `weak_key`, `invalid_signature`, `chain_unavailable`, `rate_limited`
   */
  async take(body: unknown): Promise<{ revokedAt: number; expiresAt: number }> {
    const notice = await this.#judge(body)
    await this.#options.notices.take(notice)
    return { revokedAt: notice.at, expiresAt: notice.expiresAt }
  }

  /** @throws DredError `delegation_revoked` when the delegation that is rested on was taken back */
  assertNone({ wallet, device, delegatedAt }: Grant): void {
    for (const about of [aboutOf(wallet, device), aboutOf(wallet)]) {
      const notice = this.#options.notices.get('revocation', about)
      if (notice && delegatedAt <= notice.at) throw new DredError('delegation_revoked')
    }
  }

  async #judge(body: unknown): Promise<Notice> {
    const mismatch = describeMismatch(Revocation, body)
    if (mismatch) throw malformed(mismatch)
    const revocation = body as Revocation
    const { wallet, device, revokedAt } = revocation
    const now = this.#options.now()
    // No delegation lasts longer, so that none is left which this could end.
    const expiresAt = revokedAt + limits.delegationMs
    if (revokedAt > now + limits.clockSkewMs) throw new DredError('clock_skew')
    if (expiresAt <= now) throw malformed('What it takes back has expired')
    await this.#assertSigned(revocation)
    const sig = revocation.by === 'wallet' ? revocation.sig.toLowerCase() : revocation.sig
    const text = canonicalJson({ ...revocation, sig } as JsonValue)
    return { kind: 'revocation', about: aboutOf(wallet, device), at: revokedAt, expiresAt, text }
  }

  async #assertSigned({ sig, ...revocation }: Revocation): Promise<void> {
    const { ref, wallets, verify } = this.#options
    const { wallet, device, by } = revocation
    if (by === 'device') {
      if (device === undefined) throw malformed('A device takes back what it was given itself, and has to be named')
      if (sig.startsWith('0x')) throw malformed('The signature is not that of a device')
      return verify(device, sig, revocationBytes(ref, revocation))
    }
    if (!sig.startsWith('0x')) throw malformed('The signature is not that of a wallet')
    const signed = { text: revocationText(ref, revocation), signature: sig as `0x${string}` }
    if (!(await wallets.signedText(wallet as `0x${string}`, signed))) throw new DredError('invalid_signature')
  }
}

/** Without a device: about all of the wallet's. */
function aboutOf(wallet: string, device = '*'): string {
  return `${wallet}/${device}`
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new DredError('malformed_statement', { cause })
  }
}

function malformed(detail: string): DredError {
  return new DredError('malformed_statement', { detail })
}
