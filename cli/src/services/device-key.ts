import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { encodeBase64url, type Signer } from '@dred/protocol'
import { CliError } from '../errors.ts'
import { hasCode, readSecret, writeNewSecret } from './files.ts'

/**
 * Makes a device key: Ed25519, PKCS#8 PEM, mode 0600, as `openssl genpkey -algorithm ed25519` does.
 * @returns the public key, base64url
 * @throws CliError `file_exists`
 */
export async function createDeviceKeyFile(path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ed25519')
  await writeNewSecret(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  return publicKeyOf(privateKey)
}

/**
 * A signer over a device key file.
 * @throws CliError `key_file`
 */
export async function openDeviceKey(path: string): Promise<Signer> {
  let pem: string
  try {
    pem = await readSecret(path)
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    const message = hasCode(cause, 'ENOENT')
      ? `There is no device key ${path}: make one with \`dred keys new --type device\`.`
      : `The device key ${path} cannot be read: make it readable for this user.`
    throw new CliError('auth', 'key_file', { message, cause })
  }
  const privateKey = parse(pem)
  if (privateKey?.asymmetricKeyType !== 'ed25519') {
    throw new CliError('auth', 'key_file', `${path} is not an Ed25519 key in PKCS#8 PEM: check --device-key.`)
  }
  return { key: publicKeyOf(privateKey), sign: async (bytes) => new Uint8Array(sign(null, bytes, privateKey)) }
}

function parse(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}

function publicKeyOf(privateKey: KeyObject): string {
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return encodeBase64url(new Uint8Array(Buffer.from(x, 'base64url')))
}
