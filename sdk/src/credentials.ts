import {
  Capability,
  Challenge,
  type Delegation,
  delegationText,
  encodeBase64url,
  limits,
  neighborhoodUri,
  type NeighborhoodRef,
  routeUrl,
  Session,
  sessionBytes,
  type SignedGenesis,
  type Signer,
  WellKnown,
} from '@dred/protocol'
import type { Clock } from './clock.ts'
import type { Server } from './discovery.ts'
import { DredClientError, type DredErrorCode, toClientError } from './errors.ts'
import type { Storage } from './storage.ts'
import type { Http } from './transport/http.ts'

/** A wallet that lets this device act for it; an account of viem is one. */
export interface WalletAccount {
  /** With the checksum of EIP-55. */
  address: string
  /** Signs a text (EIP-191). @returns 0x and hexadecimal digits */
  signMessage(text: { message: string }): Promise<string>
}

export interface CredentialsOptions {
  neighborhood: string
  account: WalletAccount | undefined
  signer: () => Promise<Signer>
  storage: Storage
  http: Http
  clock: Clock
}

/** What is asked of a server. */
export interface Use {
  server: Server
  channel: { id: string; genesis: SignedGenesis }
  verb: 'read' | 'write'
}

type Headers = Record<string, string>

interface Lasting {
  /** Unix milliseconds. */
  expiresAt: number
}

/** What ends sooner than this is got anew. Milliseconds. */
const MARGIN_MS = 60_000
/** What a server says of a session or a capability that another one may help against. */
export const STALE: ReadonlySet<DredErrorCode> = new Set<DredErrorCode>(['unauthorized', 'token_expired', 'capability_needed'])
const GONE: ReadonlySet<DredErrorCode> = new Set<DredErrorCode>(['delegation_refused', 'delegation_revoked'])

/**
 * Proves to servers who asks, where channels want to know: sessions by the device key, silently; for token gates the wallet too, which is
 * asked once for a delegation.
 */
export class Credentials {
  readonly #options: CredentialsOptions
  readonly #kept = new Map<string, Promise<Lasting>>()

  constructor(options: CredentialsOptions) {
    this.#options = options
  }

  /**
   * Makes a request with the headers that its channel asks for; once more when those turn out to be out of date.
   * @throws DredClientError `unauthorized` when an account is missing; what opening a session answers; what the request throws
   */
  async use<T>(use: Use, signal: AbortSignal, request: (headers: Headers) => Promise<T>): Promise<T> {
    const { access } = use.channel.genesis
    if (access === 'open' || (access === 'members' && use.verb === 'write')) return request({})
    try {
      return await request(await this.#headers(use, signal))
    } catch (error) {
      if (!STALE.has(toClientError(error, 'network').code)) throw error
      this.forget(use)
      return request(await this.#headers(use, signal))
    }
  }

  /** What a server takes no more: session and capability are got anew. */
  forget({ server, channel }: Pick<Use, 'server' | 'channel'>): void {
    this.#kept.delete(sessionName(server, channel.genesis.access === 'token'))
    this.#kept.delete(channel.id)
  }

  async #headers(use: Use, signal: AbortSignal): Promise<Headers> {
    const wallet = use.channel.genesis.access === 'token'
    const session = async (): Promise<Headers> => ({ authorization: `Bearer ${(await this.#session(use.server, wallet, signal)).token}` })
    if (!wallet) return session()
    const { capability } = await this.#lasting(use.channel.id, async () => {
      const url = routeUrl(use.server.endpoint, 'issueCapability', { params: { id: use.channel.id } })
      return this.#options.http.json<Capability>({ url, method: 'POST', headers: await session(), signal }, Capability)
    })
    return { ...(use.verb === 'read' ? await session() : {}), 'dred-capability': capability }
  }

  #session(server: Server, wallet: boolean, signal: AbortSignal): Promise<Session> {
    return this.#lasting(sessionName(server, wallet), async () => {
      const { http, neighborhood } = this.#options
      const signer = await this.#options.signer()
      const { key } = signer
      const known = await http.json<WellKnown>({ url: routeUrl(server.endpoint, 'wellKnown'), signal }, WellKnown)
      const ref = { chainId: known.chain.id, serverRegistry: known.chain.serverRegistry, neighborhood }
      const delegation = wallet ? await this.#delegation(ref, key) : undefined
      const request = { url: routeUrl(server.endpoint, 'openSession'), method: 'POST', signal } as const
      const { challenge } = await http.json<Challenge>({ ...request, body: { key } }, Challenge)
      const sig = encodeBase64url(await signer.sign(sessionBytes(ref, { server: server.id, key, challenge })))
      return http.json<Session>({ ...request, body: { key, challenge, sig, delegation } }, Session).catch(async (error: unknown) => {
        if (GONE.has(toClientError(error, 'network').code)) await this.#forgetDelegation(ref, key)
        throw error
      })
    })
  }

  /** The stored one, or a new one that the wallet is asked for; together for all who need it. */
  async #delegation(ref: NeighborhoodRef, key: string): Promise<Delegation> {
    const { account, clock, storage } = this.#options
    if (!account) throw new DredClientError('unauthorized', { detail: 'The channel asks for a wallet: the client needs an `account`' })
    const name = delegationName(ref, key, account)
    const { expiresAt: _, ...delegation } = await this.#lasting(name, async () => {
      const stored = (await storage.get(name).catch(() => undefined)) as (Delegation & Lasting) | undefined
      if (stored && stored.expiresAt - MARGIN_MS > clock.now()) return stored
      const issuedAt = clock.now()
      const expiresAt = issuedAt + limits.delegationMs
      const { host, origin } = globalThis.location ?? { host: 'localhost', origin: 'http://localhost' }
      const message = delegationText(ref, key, { address: account.address, domain: host, uri: origin, issuedAt, expiresAt })
      const signature = await account.signMessage({ message }).catch((cause: unknown) => {
        throw new DredClientError('delegation_refused', { cause, detail: 'The wallet did not sign' })
      })
      const signed = { message, signature, expiresAt }
      await storage.set(name, signed).catch(() => undefined)
      return signed
    })
    return delegation
  }

  async #forgetDelegation(ref: NeighborhoodRef, key: string): Promise<void> {
    const { account, storage } = this.#options
    if (!account) return
    const name = delegationName(ref, key, account)
    this.#kept.delete(name)
    await storage.set(name, undefined).catch(() => undefined)
  }

  /** What was got before and lasts, or is being got; when whoever gets it gives up, the next one does. */
  async #lasting<T extends Lasting>(name: string, get: () => Promise<T>): Promise<T> {
    const kept = this.#kept.get(name) as Promise<T> | undefined
    if (kept) {
      const value = await kept.catch(gaveUp)
      if (value && value.expiresAt - MARGIN_MS > this.#options.clock.now()) return value
      const next = this.#kept.get(name)
      if (next && next !== kept) return this.#lasting(name, get)
    }
    const got = get()
    this.#kept.set(name, got)
    got.catch(() => this.#kept.get(name) === got && this.#kept.delete(name))
    return got
  }
}

/** Whether another one may succeed. @throws what it failed with, otherwise */
function gaveUp(error: unknown): undefined {
  const { code, retryable } = toClientError(error, 'network')
  if (!retryable && code !== 'aborted') throw error
}

function sessionName({ id }: Server, wallet: boolean): string {
  return `${id} ${wallet ? 'wallet' : 'device'}`
}

function delegationName(ref: NeighborhoodRef, key: string, { address }: WalletAccount): string {
  return `dred:delegation ${neighborhoodUri(ref)} ${key} ${address}`
}
