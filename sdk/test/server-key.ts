import { encodeBase64url, receiptBytes, type ServerPublicKey } from '@dred/protocol'
import { toLowS } from '@dred/protocol/statements'

/** A server's P-256 key. */
export interface TestKey extends ServerPublicKey {
  sign<T extends Parameters<typeof receiptBytes>[0]>(statement: T): Promise<T & { signature: string }>
}

export async function serverKey(): Promise<TestKey> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const { x = '', y = '' } = await crypto.subtle.exportKey('jwk', publicKey)
  return {
    keyX: word(x),
    keyY: word(y),
    sign: async (statement) => {
      const signature = toLowS(new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, receiptBytes(statement))))
      return { ...statement, signature: encodeBase64url(signature) }
    },
  }
}

function word(base64url: string): string {
  return `0x${Buffer.from(base64url, 'base64url').toString('hex')}`
}
