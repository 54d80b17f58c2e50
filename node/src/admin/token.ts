import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { constants } from 'node:fs'
import { access, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StartupError } from '../startup-error.ts'
import { codeOf } from '../thrown.ts'

const MIN_LENGTH = 16
const FOR_OTHERS = 0o077

/**
 * The admin token of a file. A file that is not there is made, readable by its owner only, with a new random token; several processes
 * that start at once agree on one.
 * @throws StartupError `config` when it cannot be read or made, when others may read it, or when the token is too short
 */
export async function loadAdminToken(file: string): Promise<string> {
  try {
    await writeFile(file, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST')
      throw new StartupError('config', `The admin token file ${file} cannot be made: its folder has to exist`, cause)
  }
  return readAdminToken(file)
}

/**
 * Whether {@link loadAdminToken} is going to have a token: of the file, or of one that is not there yet.
 * @throws StartupError as it does
 */
export async function examineAdminToken(file: string): Promise<boolean> {
  const isThere = await stat(file).then(
    () => true,
    () => false,
  )
  if (isThere) await readAdminToken(file)
  else
    await access(dirname(file), constants.W_OK).catch((cause: unknown) => {
      throw new StartupError('config', `The admin token file ${file} cannot be made: its folder has to exist`, cause)
    })
  return isThere
}

async function readAdminToken(file: string): Promise<string> {
  const token = await readWhenWritten(file)
  const { mode } = await stat(file)
  if ((mode & FOR_OTHERS) !== 0) throw new StartupError('config', `Others may read the admin token file ${file}: chmod 600 it`)
  if (token.length < MIN_LENGTH) throw new StartupError('config', `The token in ${file} has to have ${MIN_LENGTH} characters or more`)
  return token
}

/** Another process may have made the file this very moment. */
async function readWhenWritten(file: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const token = await readFile(file, 'utf8').catch((cause: unknown) => {
      throw new StartupError('config', `The admin token file ${file} cannot be read`, cause)
    })
    if (token.endsWith('\n') || token.length >= MIN_LENGTH || attempt === 20) return token.trim()
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/** Compares in a time that says nothing about the token. */
export function isBearer(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1] ?? ''
  return timingSafeEqual(digest(given), digest(token))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
