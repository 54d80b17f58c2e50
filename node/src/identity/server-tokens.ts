import { randomBytes } from 'node:crypto'
import { neighborhoodUri, serverUri } from '@dred/protocol'
import { base64url, type CryptoKey, errors, importJWK, type JWTPayload, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import type { RegisteredKey, RegistryView } from '../chain/port.ts'
import type { ServerKey } from '../chain/server-key.ts'
import { acceptedKeys } from '../chain/standing.ts'

export interface ServerTokensOptions {
  registry: Pick<RegistryView, 'chainId' | 'serverRegistry' | 'neighborhood' | 'server' | 'peers' | 'now'>
  /** Registry id of this server. */
  self: { id: number }
  key: ServerKey
  /** Unix milliseconds. */
  now: () => number
}

/** Challenges and sessions are of one server and for it; capabilities are for every server of the neighborhood. */
export type TokenType = 'challenge' | 'session' | 'capability'

/** A token whose signature, issuer and audience hold. */
export interface ReadToken {
  claims: JWTPayload
  expired: boolean
}

/** Room for the keys of a neighborhood's servers. */
const KEYS = 512

/** JSON Web Tokens (ES256) that servers sign with the keys that the registry has of them. */
export class ServerTokens {
  readonly #options: ServerTokensOptions
  readonly #keys = new LRUCache<string, Promise<CryptoKey>>({ max: KEYS })

  constructor(options: ServerTokensOptions) {
    this.#options = options
  }

  /**
   * Issues a token of this server.
   * @param lifeMs milliseconds
   * @returns the token, and the Unix ms of its end, which is a whole second
   */
  async sign(type: TokenType, claims: JWTPayload, lifeMs: number): Promise<{ token: string; expiresAt: number }> {
    const { registry, self, key, now } = this.#options
    const iat = Math.floor(now() / 1_000)
    const exp = Math.floor((now() + lifeMs) / 1_000)
    const jti = randomBytes(12).toString('base64url')
    const payload = { ...claims, iss: serverUri(registry, self.id), aud: this.#audience(type), iat, exp, jti }
    const text = [{ alg: 'ES256', typ: typOf(type), kid: key.keyId }, payload]
      .map((part) => base64url.encode(JSON.stringify(part)))
      .join('.')
    return { token: `${text}.${base64url.encode(await key.sign(new TextEncoder().encode(text)))}`, expiresAt: exp * 1_000 }
  }

  /** @returns undefined for anything but a token of this type from a server, and a key of it, that may issue it */
  async read(type: TokenType, token: string): Promise<ReadToken | undefined> {
    const { registry, now } = this.#options
    let issuer: number | undefined
    try {
      const { payload } = await jwtVerify(
        token,
        ({ kid }) => {
          const found = this.#signers(type).find(({ key }) => key.keyId === kid)
          if (!found) throw new errors.JWKSNoMatchingKey()
          issuer = found.server
          return this.#publicKey(found.key)
        },
        {
          algorithms: ['ES256'],
          typ: typOf(type),
          audience: this.#audience(type),
          requiredClaims: ['iss', 'sub', 'iat', 'exp', 'jti'],
          // The end is judged below, once everything else has been.
          currentDate: new Date(0),
        },
      )
      if (issuer === undefined || payload.iss !== serverUri(registry, issuer)) return undefined
      return { claims: payload, expired: (payload.exp ?? 0) * 1_000 <= now() }
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined
      throw error
    }
  }

  #audience(type: TokenType): string {
    const { registry, self } = this.#options
    return type === 'capability' ? neighborhoodUri(registry) : serverUri(registry, self.id)
  }

  /** Who may issue tokens of a type, by the keys that the registry accepts now. */
  #signers(type: TokenType): { server: number; key: RegisteredKey }[] {
    const { registry, self, key } = this.#options
    const own = registry.server(self.id)
    const servers = [...(own ? [own] : []), ...(type === 'capability' ? registry.peers() : [])]
    return [
      { server: self.id, key },
      ...servers.flatMap((server) => acceptedKeys(server, registry.now()).map((accepted) => ({ server: server.id, key: accepted }))),
    ]
  }

  #publicKey({ keyId, keyX, keyY }: RegisteredKey): Promise<CryptoKey> {
    const known = this.#keys.get(keyId)
    if (known) return known
    const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(keyX), y: coordinate(keyY) }
    // A registered key need not be a point of the curve.
    const imported = (importJWK(jwk, 'ES256') as Promise<CryptoKey>).catch((cause: unknown) => {
      throw new errors.JWKInvalid('No point of P-256', { cause })
    })
    this.#keys.set(keyId, imported)
    return imported
  }
}

function typOf(type: TokenType): string {
  return `dred-${type}+jwt`
}

function coordinate(word: string): string {
  return Buffer.from(word.slice(2), 'hex').toString('base64url')
}
