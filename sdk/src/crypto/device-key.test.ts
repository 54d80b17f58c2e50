import { describe, expect, it } from 'vitest'
import type { DredClientError } from '../errors.ts'
import { memoryStorage, type Storage } from '../storage.ts'
import { deviceSigner } from './device-key.ts'

const never = (error: DredClientError): never => {
  throw error
}

describe('deviceSigner', () => {
  it('makes one key per storage, which cannot be exported', async () => {
    const storage = memoryStorage()
    const [first, second] = await Promise.all([deviceSigner(storage, never), deviceSigner(storage, never)])
    expect(first.key).toBe(second.key)
    expect((await deviceSigner(storage, never)).key).toBe(first.key)
    const { privateKey } = (await storage.get('dred:device-key')) as CryptoKeyPair
    expect(privateKey.extractable).toBe(false)
    await expect(crypto.subtle.exportKey('pkcs8', privateKey)).rejects.toThrow(expect.objectContaining({ name: 'InvalidAccessError' }))
  })

  it('goes on with a key in memory when the storage fails, and says so', async () => {
    const broken: Storage = {
      get: () => Promise.reject(new Error('no IndexedDB')),
      set: () => Promise.reject(new Error('no IndexedDB')),
      setIfAbsent: () => Promise.reject(new Error('no IndexedDB')),
    }
    const codes: string[] = []
    const { key } = await deviceSigner(broken, ({ code }) => codes.push(code))
    expect(key).toHaveLength(43)
    expect(codes).toEqual(['storage_unavailable'])
  })
})
