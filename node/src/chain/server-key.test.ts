import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isLowS, serverKeyId } from '@dred/protocol/statements'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createServerKeyFile, loadServerKey, type ServerKey } from './server-key.ts'
import { ServerKeyError } from './server-key-error.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dred-key-'))
  file = join(folder, 'server.pem')
})
afterEach(() => rm(folder, { recursive: true }))

async function codeOf(result: Promise<unknown>): Promise<string | undefined> {
  return result.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof ServerKeyError) return error.code
      throw error
    },
  )
}

const publicPart = ({ keyX, keyY, keyId }: ServerKey) => ({ keyX, keyY, keyId })

async function write(pem: string | Buffer, mode = 0o600): Promise<void> {
  await writeFile(file, pem)
  await chmod(file, mode)
}

const pemOf = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type: 'pkcs8', format: 'pem' })

describe('a new key file', () => {
  it('is for its owner only and loads as the same key', async () => {
    const made = await createServerKeyFile(file)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readFile(file, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----/)
    expect(publicPart(await loadServerKey(file))).toEqual(publicPart(made))
  })

  it('may be encrypted', async () => {
    const made = await createServerKeyFile(file, 'correct horse')
    expect(await readFile(file, 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
    expect(publicPart(await loadServerKey(file, 'correct horse'))).toEqual(publicPart(made))
    expect(await codeOf(loadServerKey(file, 'battery staple'))).toBe('passphrase_wrong')
    expect(await codeOf(loadServerKey(file))).toBe('passphrase_needed')
  })

  it('never takes the place of another file', async () => {
    await write('precious')
    expect(await codeOf(createServerKeyFile(file))).toBe('exists')
    expect(await readFile(file, 'utf8')).toBe('precious')
  })

  it('cannot be made in a folder that does not exist', async () => {
    expect(await codeOf(createServerKeyFile(join(folder, 'nowhere', 'server.pem')))).toBe('unreadable')
  })
})

describe('a server key', () => {
  it('signs with low s what its public coordinates verify', async () => {
    const made = await createServerKeyFile(file)
    const { keyX, keyY, keyId } = made
    const coordinate = (hex: string) => Buffer.from(hex.slice(2), 'hex').toString('base64url')
    const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(keyX), y: coordinate(keyY) }
    const key = createPublicKey({ format: 'jwk', key: jwk })
    const bytes = Buffer.from('a statement')
    // Half of what the key makes by itself has a high s, and one of 128 a word that begins with zeros.
    for (let i = 0; i < 1_500; i++) {
      const signature = await made.sign(bytes)
      expect(isLowS(signature)).toBe(true)
      expect(verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true)
    }
    expect(keyId).toBe(serverKeyId(keyX, keyY))
  })
})

describe('refuses a file', () => {
  it('that is not there, or is a folder', async () => {
    expect(await codeOf(loadServerKey(file))).toBe('missing')
    await chmod(folder, 0o700)
    expect(await codeOf(loadServerKey(folder))).toBe('unreadable')
  })

  it.each([0o640, 0o604, 0o660, 0o644, 0o610])('that others may use: mode %o', async (mode) => {
    await write(pemOf('prime256v1'), mode)
    const error = await loadServerKey(file).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'exposed' })
    expect(String(error)).toContain('chmod 600')
  })

  it('with a key on another curve, or of another kind', async () => {
    await write(pemOf('secp256k1'))
    expect(await codeOf(loadServerKey(file))).toBe('not_p256')
    await write(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }))
    expect(await codeOf(loadServerKey(file))).toBe('not_p256')
  })

  it('with anything else', async () => {
    await write('not a key')
    expect(await codeOf(loadServerKey(file))).toBe('not_a_key')
    await write(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey.export({ type: 'spki', format: 'pem' }))
    expect(await codeOf(loadServerKey(file))).toBe('not_a_key')
    await write(Buffer.alloc(70_000))
    expect(await codeOf(loadServerKey(file))).toBe('not_a_key')
  })
})
