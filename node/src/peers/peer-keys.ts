import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { isLowS } from '@dred/protocol/statements'
import type { RegisteredKey, RegisteredServer } from '../chain/port.ts'
import { acceptedKeys } from '../chain/standing.ts'

/**
 * The registered key of a server that signed something: its present one, or a former one within its overlap.
 * @param now Unix seconds
 * @returns undefined when it was none of them, also for a signature with high s
 */
export async function signerOf(
  server: RegisteredServer,
  now: number,
  { bytes, signature }: { bytes: Uint8Array; signature: Uint8Array },
): Promise<RegisteredKey | undefined> {
  if (!isLowS(signature)) return undefined
  for (const key of acceptedKeys(server, now)) {
    const publicKey = publicKeyOf(key)
    if (publicKey && (await holds(publicKey, bytes, signature))) return key
  }
  return undefined
}

const kept = new WeakMap<RegisteredKey, KeyObject>()

/** Undefined for a registered key that is no point of P-256. */
function publicKeyOf(registered: RegisteredKey): KeyObject | undefined {
  const coordinate = (word: string) => Buffer.from(word.slice(2), 'hex').toString('base64url')
  const { keyX, keyY } = registered
  try {
    const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(keyX), y: coordinate(keyY) }
    const key = kept.get(registered) ?? createPublicKey({ format: 'jwk', key: jwk })
    kept.set(registered, key)
    return key
  } catch {
    return undefined
  }
}

/** On a thread of its own: statements come while messages do. */
function holds(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature, (error, valid) => {
      if (error) reject(error)
      else resolve(valid)
    })
  })
}
