import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { loadServerKey, type ServerKey } from '@dred/node'
import { type PrivateKeyAccount, type Hex, bytesToHex } from 'viem'
import { CliError } from '../errors.ts'
import { createDeviceKeyFile } from '../services/device-key.ts'
import { hasCode, writeNewSecret } from '../services/files.ts'
import { createWalletFile, openWalletFile } from '../services/keystore.ts'
import { readPasswordFile } from '../services/passwords.ts'
import { createServerKey } from '../services/server-key.ts'

/** The password lies beside the files and the money is worth nothing: no work needs to guard it. */
const SCRYPT_ROUNDS = 1_024

export interface DevKeys {
  /** Deploys: the registries' addresses follow from its address. */
  deployer: PrivateKeyAccount
  /** Owns the neighborhood. */
  owner: PrivateKeyAccount
  /** Signs the attestations of the network's servers, in the owner's name. */
  attester: ServerKey
  /** One for each server, with its server key and that key's file. */
  operators: { wallet: PrivateKeyAccount; serverKey: ServerKey; serverKeyFile: string }[]
  files: { password: string; owner: string; device: string; attester: string }
}

/** The keys of a local network, made where they are missing: the same keys in every run give the same addresses and ids. */
export async function loadDevKeys(directory: string, servers: number): Promise<DevKeys> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const file = (name: string) => join(directory, name)
  const password = await ensure(
    () => readPasswordFile(file('password')),
    () => writeNewSecret(file('password'), `${randomBytes(24).toString('base64url')}\n`),
  )
  const wallet = (name: string) =>
    ensure(
      () => openWalletFile(file(`${name}.json`), password),
      () => createWalletFile(file(`${name}.json`), password, { privateKey: randomKey(), rounds: SCRYPT_ROUNDS }),
    )
  const p256Key = (path: string) =>
    ensure(
      () => loadServerKey(path),
      () => createServerKey(path),
    )
  const operator = async (index: number) => {
    const serverKeyFile = file(`server-${index}.pem`)
    const serverKey = await p256Key(serverKeyFile)
    return { wallet: await wallet(`operator-${index}`), serverKey, serverKeyFile }
  }
  const [deployer, owner, attester, operators] = await Promise.all([
    wallet('deployer'),
    wallet('owner'),
    p256Key(file('attester.pem')),
    Promise.all(Array.from({ length: servers }, (_, index) => operator(index + 1))),
  ])
  await createDeviceKeyFile(file('device.pem')).catch(ignoreExisting)
  const files = { password: file('password'), owner: file('owner.json'), device: file('device.pem'), attester: file('attester.pem') }
  return { deployer, owner, attester, operators, files }
}

/** Reads; makes what is missing and reads again. A file that is there but no good is the reader's error. */
async function ensure<T>(read: () => Promise<T>, make: () => Promise<unknown>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    if (!hasCode(cause, 'ENOENT')) throw error
  }
  await make()
  return read()
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof CliError) || error.code !== 'file_exists') throw error
}

function randomKey(): Hex {
  return bytesToHex(randomBytes(32))
}
