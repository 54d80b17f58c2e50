import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { serverKeyId, toLowS } from '@dred/protocol/statements'
import { codeOf } from '../thrown.ts'
import { ServerKeyError } from './server-key-error.ts'

/** A server's P-256 key pair. The private half never leaves this object. */
export interface ServerKey {
  /** 32-byte coordinates of the public key, 0x-prefixed hex. */
  readonly keyX: `0x${string}`
  readonly keyY: `0x${string}`
  /** 20-byte id of the key in the registry, lowercase 0x-prefixed hex. */
  readonly keyId: `0x${string}`
  /** @returns the ECDSA signature of SHA-256 of `bytes`: r ‖ s, 64 bytes, low s */
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

const MAX_FILE_BYTES = 65_536

/**
 * Loads a server key from a PKCS#8 PEM file that only its owner may read.
 * @param passphrase of an encrypted file (`BEGIN ENCRYPTED PRIVATE KEY`)
 * @throws ServerKeyError
 */
export async function loadServerKey(file: string, passphrase?: string): Promise<ServerKey> {
  const pem = await readPrivateFile(file)
  return serverKeyOf(parsePrivateKey(file, pem, passphrase), file)
}

/**
 * Makes a new server key and writes it to a file that must not exist, readable by its owner only (mode 0600).
 * @param passphrase encrypts the file (PBES2: PBKDF2 and AES-256-CBC)
 * @throws ServerKeyError
 */
export async function createServerKeyFile(file: string, passphrase?: string): Promise<ServerKey> {
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'prime256v1' })
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption })
  try {
    const handle = await open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
    try {
      // The umask may have taken bits away, never added any; the file shall be readable by its owner all the same.
      await handle.chmod(0o600)
      await handle.writeFile(pem)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') throw new ServerKeyError('exists', `${file} exists: choose another file, or move it away`, cause)
    throw new ServerKeyError('unreadable', `${file} cannot be written (${codeOf(cause)}): choose a folder that you may write to`, cause)
  }
  return serverKeyOf(privateKey, file)
}

/** The file is examined and read through one handle, so that it cannot be exchanged in between. */
async function readPrivateFile(file: string): Promise<string> {
  try {
    const handle = await open(file, constants.O_RDONLY)
    try {
      const { mode, size } = await handle.stat()
      if ((mode & 0o077) !== 0 && process.platform !== 'win32') {
        const shown = (mode & 0o777).toString(8).padStart(4, '0')
        throw new ServerKeyError('exposed', `${file} may be read by others (mode ${shown}): run chmod 600 on it`)
      }
      if (size > MAX_FILE_BYTES) throw new ServerKeyError('not_a_key', `${file} is no key: it has ${size} bytes`)
      return await handle.readFile('utf8')
    } finally {
      await handle.close()
    }
  } catch (cause) {
    if (cause instanceof ServerKeyError) throw cause
    if (codeOf(cause) === 'ENOENT') throw new ServerKeyError('missing', `${file} does not exist: make a key first, or name its file`, cause)
    throw new ServerKeyError('unreadable', `${file} cannot be read (${codeOf(cause)}): it has to be a file that this user may read`, cause)
  }
}

function parsePrivateKey(file: string, pem: string, passphrase: string | undefined): KeyObject {
  const encrypted = pem.includes('ENCRYPTED')
  if (encrypted && passphrase === undefined) throw new ServerKeyError('passphrase_needed', `${file} is encrypted: give its passphrase`)
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) })
  } catch (cause) {
    if (encrypted) throw new ServerKeyError('passphrase_wrong', `${file} does not open with this passphrase`, cause)
    throw new ServerKeyError('not_a_key', `${file} is not a private key in PKCS#8 PEM form`, cause)
  }
}

function serverKeyOf(privateKey: KeyObject, file: string): ServerKey {
  if (privateKey.asymmetricKeyType !== 'ec' || privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new ServerKeyError('not_p256', `${file} holds a key of another kind: a server key is an EC key on P-256 (prime256v1)`)
  const { x = '', y = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  const [keyX, keyY] = [word(x), word(y)]
  return {
    keyX,
    keyY,
    keyId: serverKeyId(keyX, keyY),
    // Handed to another thread it would cost this one as much.
    sign: async (bytes) => toLowS(wordsOf(sign('sha256', bytes, privateKey))),
  }
}

/** r ‖ s, 32 bytes each, of a signature in DER. Node.js takes twice as long when it is asked for that itself. */
function wordsOf(der: Buffer): Buffer {
  const end = 4 + der.readUInt8(3)
  const words = [der.subarray(4, end), der.subarray(end + 2)]
  return Buffer.from(words.map((word) => word.toString('hex').slice(-64).padStart(64, '0')).join(''), 'hex')
}

function word(base64url: string): `0x${string}` {
  return `0x${Buffer.from(base64url, 'base64url').toString('hex')}`
}
