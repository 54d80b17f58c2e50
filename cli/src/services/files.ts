import { chmod, link, mkdir, open, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CliError } from '../errors.ts'

/**
 * Writes a secret that did not exist before, mode 0600, whole or not at all; never overwrites.
 * @throws CliError `file_exists`
 */
export async function writeNewSecret(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${process.pid}.tmp`
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
    await file.close()
    // The umask can only take rights away; this also holds on file systems with odd defaults.
    await chmod(temporary, 0o600)
    await link(temporary, path)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw new CliError('failure', 'file_exists', `${path} exists already: choose another --out.`)
    throw error
  } finally {
    await unlink(temporary)
  }
}

/**
 * The text of a file with a secret, which nobody else may read.
 * @throws CliError `key_file` when its mode lets others in; the system's error when it cannot be read
 */
export async function readSecret(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { mode } = await file.stat()
    if ((mode & 0o077) !== 0 && process.platform !== 'win32') {
      const shown = (mode & 0o777).toString(8).padStart(4, '0')
      throw new CliError('auth', 'key_file', `${path} may be read by others (mode ${shown}): run chmod 600 on it.`)
    }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
