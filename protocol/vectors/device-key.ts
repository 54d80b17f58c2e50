import { encodeBase64url, sha256, utf8, webCryptoSigner } from '../src/index.ts'

const PKCS8_ED25519 = Uint8Array.from([0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20])

/** The Ed25519 key whose RFC 8032 seed is the SHA-256 of a name. */
export async function keyOf(name: string) {
  const seed = sha256(utf8(name))
  const privateKey = await crypto.subtle.importKey('pkcs8', new Uint8Array([...PKCS8_ED25519, ...seed]), 'Ed25519', true, ['sign'])
  const { x = '' } = await crypto.subtle.exportKey('jwk', privateKey)
  const publicKey = await crypto.subtle.importKey('jwk', { kty: 'OKP', crv: 'Ed25519', x }, 'Ed25519', true, ['verify'])
  return { seed: encodeBase64url(seed), signer: await webCryptoSigner({ privateKey, publicKey }) }
}
