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

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
