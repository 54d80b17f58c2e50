import { createHash } from 'node:crypto'
import { type Delegation, DredError } from '@dred/protocol'
import { LRUCache } from 'lru-cache'
import type { WalletChain } from './port.ts'
import type { Revocations } from './revocations.ts'
import { type DelegationClaims, type DelegationRules, readDelegation } from './siwe.ts'

/** Signatures that were found to hold, and for how many milliseconds that is believed: a contract may change who signs for it. */
const CHECKED = { max: 10_000, ttl: 600_000 }

/** Judges what wallets let devices do. */
export class Delegations {
  readonly #wallets: WalletChain
  readonly #revocations: Revocations
  readonly #checked = new LRUCache<string, Promise<boolean>>(CHECKED)

  constructor(options: { wallets: WalletChain; revocations: Revocations }) {
    this.#wallets = options.wallets
    this.#revocations = options.revocations
  }

  /** @throws DredError `delegation_refused`, `delegation_revoked`, `chain_unavailable`, `rate_limited` */
  async verify(delegation: Delegation, rules: DelegationRules): Promise<DelegationClaims> {
    const claims = readDelegation(delegation.message, rules)
    if (!(await this.#isSigned(delegation, rules.now))) {
      throw new DredError('delegation_refused', { detail: `The delegation does not hold: ${claims.wallet} did not sign it` })
    }
    this.#revocations.assertNone({ wallet: claims.wallet, device: rules.key, delegatedAt: claims.issuedAt })
    return claims
  }

  /** Asked once for each text and signature, however many ask at a time; a no is not kept. */
  #isSigned({ message, signature }: Delegation, time: number): Promise<boolean> {
    const id = createHash('sha256').update(message).update('\0').update(signature).digest('base64url')
    const known = this.#checked.get(id)
    if (known) return known
    const asked = this.#wallets.signedDelegation({ message, signature }, time)
    const forget = (): void => {
      if (this.#checked.peek(id) === asked) this.#checked.delete(id)
    }
    this.#checked.set(id, asked)
    asked.then((holds) => (holds ? undefined : forget()), forget)
    return asked
  }
}
