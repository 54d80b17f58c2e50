import { generateDeviceKey, type Signer, webCryptoSigner } from '@dred/protocol'
import { DredClientError } from '../errors.ts'
import { memoryStorage, type Storage } from '../storage.ts'

const STORED_AS = 'dred:device-key'

/**
 * The signer of this device: its stored key, or a new non-extractable one that is stored from now on. Two tabs that start at
 * once end with the same key.
 * @param report is told `storage_unavailable` when the key can only be kept in memory
 * @throws DredClientError `unsupported_environment`
 */
export async function deviceSigner(storage: Storage, report: (error: DredClientError) => void): Promise<Signer> {
  const stored = await storedKey(storage).catch((cause: unknown) => {
    if (cause instanceof DredClientError) throw cause
    report(new DredClientError('storage_unavailable', { cause }))
    return storedKey(memoryStorage())
  })
  return webCryptoSigner(stored)
}

async function storedKey(storage: Storage): Promise<CryptoKeyPair> {
  const existing = await storage.get(STORED_AS)
  if (isKeyPair(existing)) return existing
  const created = await newKey()
  const kept = await storage.setIfAbsent(STORED_AS, created)
  return isKeyPair(kept) ? kept : created
}

async function newKey(): Promise<CryptoKeyPair> {
  try {
    return await generateDeviceKey({ extractable: false })
  } catch (cause) {
    throw new DredClientError('unsupported_environment', { cause })
  }
}

function isKeyPair(value: unknown): value is CryptoKeyPair {
  return typeof value === 'object' && value !== null && 'privateKey' in value && 'publicKey' in value
}
