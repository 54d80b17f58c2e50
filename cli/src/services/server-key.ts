import { dirname } from 'node:path'
import { mkdir } from 'node:fs/promises'
import { createServerKeyFile, loadServerKey, type ServerKey, ServerKeyError } from '@dred/node'
import type { Config } from '../config.ts'
import { CliError } from '../errors.ts'
import { readPasswordFile } from './passwords.ts'

/**
 * The server key of the settings.
 * @throws CliError `missing_value`, `key_file`
 */
export async function openServerKey(settings: Config): Promise<ServerKey> {
  const file = settings.required('server.keyFile', settings.text('server.keyFile'))
  return openP256Key(file, await serverKeyPassphrase(settings))
}

/**
 * The P-256 key of the settings that signs attestations.
 * @throws CliError `missing_value`, `key_file`
 */
export async function openAttesterKey(settings: Config): Promise<ServerKey> {
  const file = settings.required('attester.keyFile', settings.text('attester.keyFile'))
  const passphrase = settings.text('attester.keyPassphraseFile')
  return openP256Key(file, passphrase === undefined ? undefined : await readPasswordFile(passphrase))
}

/**
 * Any P-256 key file.
 * @throws CliError `key_file`, `wrong_password`
 */
export function openP256Key(file: string, passphrase?: string): Promise<ServerKey> {
  return translated(() => loadServerKey(file, passphrase))
}

export async function serverKeyPassphrase(settings: Config): Promise<string | undefined> {
  const file = settings.text('server.keyPassphraseFile')
  return file === undefined ? undefined : readPasswordFile(file)
}

/**
 * Makes a server key file, mode 0600.
 * @param passphrase encrypts it
 * @throws CliError `file_exists`, `key_file`
 */
export async function createServerKey(file: string, passphrase?: string): Promise<ServerKey> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  return translated(() => createServerKeyFile(file, passphrase))
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ServerKeyError)) throw error
    const message = /[.!]$/.test(error.message) ? error.message : `${error.message}.`
    if (error.code === 'exists') throw new CliError('failure', 'file_exists', { message, cause: error })
    throw new CliError('auth', error.code === 'passphrase_wrong' ? 'wrong_password' : 'key_file', { message, cause: error })
  }
}
