import { askPassword } from '../ask.ts'
import type { Config } from '../config.ts'
import { CliError } from '../errors.ts'
import { waysToSet } from '../settings.ts'
import { readSecret } from './files.ts'

/**
 * First line of a password file.
 * @throws CliError `password_file`; `key_file` when others may read it
 */
export async function readPasswordFile(path: string): Promise<string> {
  let content: string
  try {
    content = await readSecret(path)
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    throw new CliError('auth', 'password_file', { message: `The password file ${path} cannot be read: check --password-file.`, cause })
  }
  const [password = ''] = content.split(/\r?\n/)
  if (password === '') throw new CliError('auth', 'password_file', `The first line of ${path} is empty: write the password there.`)
  return password
}

/** The wallet's password: from the password file of the settings, else from the person at the terminal. */
export async function passwordOf(settings: Config, options: { confirm: boolean; what: string }): Promise<string> {
  const file = settings.text('passwordFile')
  if (file !== undefined) return readPasswordFile(file)
  try {
    return await askPassword({ flag: 'password-file', what: options.what }, options)
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'missing_value') throw error
    throw new CliError('usage', 'missing_value', `Say ${options.what}: set ${waysToSet('passwordFile')}.`)
  }
}
