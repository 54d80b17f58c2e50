import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { privateKeyToAccount } from 'viem/accounts'
import { createDeviceKeyFile, openDeviceKey } from './device-key.ts'
import { createWalletFile, openWalletFile } from './keystore.ts'
import { readPasswordFile } from './passwords.ts'

const rounds = 1_024
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dred-keystore-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

const path = (name: string) => join(directory, name)
const secret = (file: string, content: string) => writeFile(file, content, { mode: 0o600 })

test('a wallet file is a v3 key store of mode 0600 that opens with its password', async () => {
  const privateKey = `0x${'ab'.repeat(32)}` as const
  const address = await createWalletFile(path('w.json'), 'secret', { privateKey, rounds })
  expect(address).toBe(privateKeyToAccount(privateKey).address)
  expect((await stat(path('w.json'))).mode & 0o777).toBe(0o600)
  const content = await readFile(path('w.json'), 'utf8')
  expect(JSON.parse(content)).toMatchObject({ version: 3, crypto: { kdf: 'scrypt', kdfparams: { n: rounds } } })
  expect(content).not.toContain('abababab')
  expect((await openWalletFile(path('w.json'), 'secret')).address).toBe(address)
})

test('by default guessing a password costs 2^17 rounds of scrypt', async () => {
  await createWalletFile(path('w.json'), 'secret')
  expect(JSON.parse(await readFile(path('w.json'), 'utf8'))).toMatchObject({ crypto: { kdfparams: { n: 131_072, r: 8, p: 1 } } })
})

test('the wrong password ends with 4 and says so', async () => {
  await createWalletFile(path('w.json'), 'secret', { rounds })
  await expect(openWalletFile(path('w.json'), 'guess')).rejects.toMatchObject({ exitCode: 4, code: 'wrong_password' })
})

test('the published vector of the format opens', async () => {
  const vector = {
    crypto: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: '83dbcc02d8ccb40e466191a123791e0e' },
      ciphertext: 'd172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c',
      kdf: 'scrypt',
      kdfparams: { dklen: 32, n: 262_144, p: 8, r: 1, salt: 'ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19' },
      mac: '2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097',
    },
    id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
    version: 3,
  }
  await secret(path('v.json'), JSON.stringify(vector))
  expect((await openWalletFile(path('v.json'), 'testpassword')).address).toBe('0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b')
})

test('a file that is there is never overwritten', async () => {
  await secret(path('w.json'), 'precious')
  await expect(createWalletFile(path('w.json'), 'secret', { rounds })).rejects.toMatchObject({ code: 'file_exists' })
  await expect(createDeviceKeyFile(path('w.json'))).rejects.toMatchObject({ code: 'file_exists' })
  expect(await readFile(path('w.json'), 'utf8')).toBe('precious')
})

test('what is no key file ends with 4', async () => {
  await secret(path('text'), 'hello')
  await secret(path('object.json'), '{"version":1}')
  await secret(path('damaged.json'), '{"version":3,"crypto":{"kdf":"nonsense","kdfparams":{}}}')
  for (const name of ['absent', 'text', 'object.json', 'damaged.json']) {
    await expect(openWalletFile(path(name), 'secret')).rejects.toMatchObject({
      exitCode: 4,
      code: 'key_file',
      message: expect.stringMatching(/: (make|check|restore)/),
    })
  }
  await expect(openDeviceKey(path('text'))).rejects.toMatchObject({ exitCode: 4, code: 'key_file' })
})

test.skipIf(process.platform === 'win32')('a secret that others may read is refused, whatever it is', async () => {
  await createDeviceKeyFile(path('d.pem'))
  await createWalletFile(path('w.json'), 'secret', { rounds })
  await secret(path('pw'), 'secret')
  for (const [name, mode] of Object.entries({ 'd.pem': 0o604, 'w.json': 0o640, pw: 0o644 })) await chmod(path(name), mode)
  const exposed = { exitCode: 4, code: 'key_file', message: expect.stringMatching(/chmod 600/) }
  await expect(openDeviceKey(path('d.pem'))).rejects.toMatchObject(exposed)
  await expect(openWalletFile(path('w.json'), 'secret')).rejects.toMatchObject(exposed)
  await expect(readPasswordFile(path('pw'))).rejects.toMatchObject(exposed)
})

test('a password is the first line of its file', async () => {
  await secret(path('pw'), 'pass word \r\nsecond line\n')
  expect(await readPasswordFile(path('pw'))).toBe('pass word ')
  await secret(path('empty'), '\npassword')
  await expect(readPasswordFile(path('empty'))).rejects.toMatchObject({ exitCode: 4 })
})

test('a device key signs what its public key verifies', async () => {
  const key = await createDeviceKeyFile(path('d.pem'))
  expect((await stat(path('d.pem'))).mode & 0o777).toBe(0o600)
  const signer = await openDeviceKey(path('d.pem'))
  expect(signer.key).toBe(key)
  const bytes = new TextEncoder().encode('hello')
  const publicKey = await crypto.subtle.importKey('raw', Buffer.from(key, 'base64url'), 'Ed25519', false, ['verify'])
  expect(await crypto.subtle.verify('Ed25519', publicKey, Buffer.from(await signer.sign(bytes)), bytes)).toBe(true)
})
