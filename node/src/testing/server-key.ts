import { generateKeyPair, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { serverKeyId, toLowS } from '@dred/protocol/statements'
import type { ServerKey } from '../chain/server-key.ts'

/** A new key that is in no file. */
export async function newServerKey(): Promise<ServerKey> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'prime256v1' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const [keyX, keyY] = [word(x), word(y)]
  return {
    keyX,
    keyY,
    keyId: serverKeyId(keyX, keyY),
    sign: async (bytes) => toLowS(sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  }
}

function word(base64url: string): `0x${string}` {
  return `0x${Buffer.from(base64url, 'base64url').toString('hex')}`
}
