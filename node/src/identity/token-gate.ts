import { DredError, limits } from '@dred/protocol'
import { LRUCache } from 'lru-cache'
import type { Access, Caller, Verb } from '../access/port.ts'
import type { TrackedChannel } from '../channel-tracker.ts'
import type { Grant, Revocations } from './revocations.ts'
import type { ServerTokens } from './server-tokens.ts'

export interface TokenGateOptions {
  tokens: ServerTokens
  revocations: Revocations
  /** Unix milliseconds. */
  now: () => number
}

/** What a capability allows. */
interface Capable extends Grant {
  text: string
  verbs: readonly string[]
  /** Unix ms. */
  expiresAt: number
}

/** Capabilities that were judged, one for each channel and device. */
const JUDGED = 50_000

/** Lets into channels with access `token` who has a capability, which is judged once: no message costs a call to the chain, nor a verification. */
export class TokenGate implements Access {
  readonly #options: TokenGateOptions
  readonly #judged = new LRUCache<string, Capable>({ max: JUDGED })

  constructor(options: TokenGateOptions) {
    this.#options = options
  }

  async assert(channel: Pick<TrackedChannel, 'id'>, verb: Verb, who: Caller & { key?: string }): Promise<void> {
    const device = verb === 'write' ? who.key : who.device
    if (device === undefined) throw new DredError('unauthorized')
    const known = `${channel.id}/${device}`
    const capable = await this.#capable(known, who.capability, () => this.#judge(channel.id, device, who.capability))
    this.#options.revocations.assertNone(capable)
    if (!capable.verbs.includes(verb)) throw new DredError('capability_needed', { detail: `The capability is not one to ${verb}` })
    this.#judged.set(known, capable)
  }

  /** The one that was judged before, unless another one comes that holds. */
  async #capable(known: string, capability: string | undefined, judge: () => Promise<Capable>): Promise<Capable> {
    const judged = this.#judged.get(known)
    const held = judged && judged.expiresAt > this.#options.now() ? judged : undefined
    if (held && (capability === undefined || capability === held.text)) return held
    return judge().catch((error: unknown) => {
      if (held) return held
      throw error
    })
  }

  async #judge(channel: string, device: string, capability: string | undefined): Promise<Capable> {
    if (capability === undefined) throw new DredError('capability_needed')
    const read = await this.#options.tokens.read('capability', capability)
    if (!read) throw needed('is not one of a server of this neighborhood')
    if (read.expired) throw needed('has expired')
    const { claims } = read
    if (claims['channel'] !== channel) throw needed('is for another channel')
    if (claims.sub !== device) throw needed('is for another device')
    const { exp = 0, iat = 0, wallet, delegatedAt, verbs } = claims
    const expiresAt = exp * 1_000
    // A server that has left the registry since may have dated it ahead.
    const latest = this.#options.now() + limits.capabilityMs.max + limits.clockSkewMs
    if (expiresAt - iat * 1_000 > limits.capabilityMs.max || expiresAt > latest) throw needed('lasts too long')
    if (typeof wallet !== 'string' || typeof delegatedAt !== 'number' || !Array.isArray(verbs)) throw needed('says too little')
    return { text: capability, device, wallet: wallet.toLowerCase() as `0x${string}`, delegatedAt, verbs, expiresAt }
  }
}

function needed(what: string): DredError {
  return new DredError('capability_needed', { detail: `The capability ${what}` })
}
