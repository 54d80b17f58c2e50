import {
  type Challenge,
  ChallengeRequest,
  DredError,
  describeMismatch,
  limits,
  OpenSession,
  type Session,
  sessionBytes,
  type VerifySignature,
} from '@dred/protocol'
import { LRUCache } from 'lru-cache'
import type { Caller } from '../access/port.ts'
import type { RegistryView } from '../chain/port.ts'
import type { Bus } from '../processes/bus.ts'
import type { IdentityConfig } from './config.ts'
import type { Delegations } from './delegations.ts'
import type { Revocations } from './revocations.ts'
import type { ServerTokens } from './server-tokens.ts'

export interface SessionsOptions {
  tokens: ServerTokens
  delegations: Delegations
  revocations: Revocations
  registry: Pick<RegistryView, 'chainId' | 'serverRegistry' | 'neighborhood'>
  /** Registry id of this server. */
  self: { id: number }
  settings: Pick<IdentityConfig, 'sessionMs' | 'domains'>
  bus: Bus
  verify: VerifySignature
  /** Unix milliseconds. */
  now: () => number
}

/** What a bearer token says. */
interface Opened {
  caller: Caller
  id: string
  /** Unix ms. */
  expiresAt: number
}

/** Tokens that were verified, and sessions that were ended before their time. */
const VERIFIED = 20_000
const ENDED = 100_000
const TOPIC = 'session-ended'

/** Sessions of devices, and of wallets that let them act. Nothing is kept of one but that it was ended. */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #verified = new LRUCache<string, Opened>({ max: VERIFIED })
  readonly #ended = new LRUCache<string, true>({ max: ENDED })
  readonly #unsubscribe: () => void

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#unsubscribe = options.bus.subscribe(TOPIC, (id) => this.#ended.set(id, true))
  }

  /** Bearer tokens that were used and are remembered. */
  get known(): number {
    return this.#verified.size
  }

  /**
   * Answers a request for a challenge, or one with its answer.
   * @param body as parsed from JSON, not judged by anybody yet
   * @throws DredError `malformed_session`, `challenge_expired`, `weak_key`, `invalid_signature`; as {@link Delegations.verify}
   */
  async open(body: unknown): Promise<{ challenge: Challenge } | { session: Session }> {
    const answers = typeof body === 'object' && body !== null && ('challenge' in body || 'sig' in body || 'delegation' in body)
    const mismatch = describeMismatch(answers ? OpenSession : ChallengeRequest, body)
    if (mismatch) throw new DredError('malformed_session', { detail: mismatch })
    return answers ? { session: await this.#open(body as OpenSession) } : { challenge: await this.#challenge((body as OpenSession).key) }
  }

  /**
   * Who a bearer token speaks for.
   * @throws DredError `unauthorized`, `token_expired`, `delegation_revoked`
   */
  async judge(token: string): Promise<Caller> {
    return (await this.#holding(token)).caller
  }

  /** Ends the session of a token, in all processes of this server. @throws as {@link judge} */
  async end(token: string): Promise<void> {
    const { id } = await this.#holding(token)
    this.#ended.set(id, true)
    this.#options.bus.publish(TOPIC, id)
  }

  close(): void {
    this.#unsubscribe()
  }

  async #challenge(key: string): Promise<Challenge> {
    const { token, expiresAt } = await this.#options.tokens.sign('challenge', { sub: key }, limits.challengeMs)
    return { challenge: token, expiresAt }
  }

  async #open({ key, challenge, sig, delegation }: OpenSession): Promise<Session> {
    const { tokens, delegations, registry: ref, self, settings, verify, now } = this.#options
    const asked = await tokens.read('challenge', challenge)
    if (!asked || asked.expired || asked.claims.sub !== key) throw new DredError('challenge_expired')
    await verify(key, sig, sessionBytes(ref, { server: self.id, key, challenge }))
    if (!delegation) return tokens.sign('session', { sub: key }, settings.sessionMs)
    const time = now()
    const { wallet, issuedAt, expiresAt } = await delegations.verify(delegation, { ref, key, now: time, domains: settings.domains })
    const claims = { sub: key, wallet, delegatedAt: issuedAt }
    return { ...(await tokens.sign('session', claims, Math.min(settings.sessionMs, expiresAt - time))), wallet }
  }

  async #holding(token: string): Promise<Opened> {
    const { revocations, now } = this.#options
    const opened = this.#verified.get(token) ?? (await this.#verify(token))
    if (this.#ended.has(opened.id)) throw new DredError('unauthorized', { detail: 'The session was ended' })
    if (opened.expiresAt <= now()) throw new DredError('token_expired')
    const { device, wallet, delegatedAt } = opened.caller
    if (device !== undefined && wallet !== undefined && delegatedAt !== undefined) revocations.assertNone({ wallet, device, delegatedAt })
    return opened
  }

  async #verify(token: string): Promise<Opened> {
    const read = await this.#options.tokens.read('session', token)
    if (!read) throw new DredError('unauthorized', { detail: 'The bearer token is not one of this server' })
    const { sub, jti, exp, wallet, delegatedAt } = read.claims as { sub: string; jti: string; exp: number } & Caller
    const caller: Caller = { device: sub, ...(wallet === undefined || delegatedAt === undefined ? {} : { wallet, delegatedAt }) }
    const opened = { caller, id: jti, expiresAt: exp * 1_000 }
    this.#verified.set(token, opened)
    return opened
  }
}
