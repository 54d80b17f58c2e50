import { chmod, open, readFile, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { Agent } from 'node:https'
import * as acme from 'acme-client'
import { codeOf } from '../thrown.ts'
import type { AcmeConfig } from './acme-config.ts'
import type { TlsConfig } from './config.ts'

const CHALLENGE_PATH = '/.well-known/acme-challenge/'
/** Of the questions whether a challenge or an order is done, in milliseconds. */
const BACKOFF = { backoffAttempts: 10, backoffMin: 500, backoffMax: 10_000 }

/**
 * Orders a certificate for the key of `keyFile`, which is made if it is not there, and puts it in the place of `certFile`.
 * @throws when it is not given, or a file cannot be written
 */
export async function orderCertificate(config: AcmeConfig, { certFile, keyFile }: TlsConfig): Promise<void> {
  const [accountKey, key] = [await keyOf(config.accountKeyFile), await keyOf(keyFile)]
  // It is tried again later anyway.
  Object.assign(acme.axios.defaults, { acmeSettings: { retryMaxAttempts: 2, retryDefaultDelay: 1 } })
  if (config.caFile !== undefined) acme.axios.defaults.httpsAgent = new Agent({ ca: await readFile(config.caFile) })
  const client = new acme.Client({ directoryUrl: config.directoryUrl, accountKey, ...BACKOFF })
  // Where there is none yet, the order makes one; it would change one that is there, to nothing.
  await client.createAccount({ onlyReturnExisting: true }).catch(() => undefined)
  const [, csr] = await acme.crypto.createCsr({ altNames: config.domains }, key)
  const answers = await openAnswers(config)
  try {
    const certificate = await client.auto({
      csr,
      ...(config.email === undefined ? {} : { email: config.email }),
      termsOfServiceAgreed: config.agreeTos,
      challengePriority: ['http-01'],
      // Asked from here, a name often leads elsewhere than asked from outside.
      skipChallengeVerification: true,
      challengeCreateFn: async (_authorization, { token }, answer) => void answers.set(token, answer),
      challengeRemoveFn: async (_authorization, { token }) => void answers.delete(token),
    })
    await replaceFile(certFile, certificate)
  } finally {
    await answers.close()
  }
}

/** Answers the authority's questions, for as long as there is an order. */
async function openAnswers({ host, port }: AcmeConfig) {
  const answers = new Map<string, string>()
  const server = createServer(({ url = '' }, response) => {
    const answer = url.startsWith(CHALLENGE_PATH) ? answers.get(url.slice(CHALLENGE_PATH.length)) : undefined
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'text/plain', connection: 'close' })
    response.end(answer)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, resolve)
  })
  return {
    set: (token: string, answer: string) => answers.set(token, answer),
    delete: (token: string) => answers.delete(token),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The P-256 key of a file, made with mode 0600 if it is not there. */
async function keyOf(file: string): Promise<Buffer> {
  const found = await readFile(file).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (found) return found
  const key = await acme.crypto.createPrivateEcdsaKey('P-256')
  const handle = await open(file, 'wx', 0o600)
  await handle.writeFile(key)
  await handle.sync()
  await handle.close()
  return key
}

/** Nobody sees half of it. */
async function replaceFile(file: string, text: string): Promise<void> {
  const next = `${file}.next`
  await writeFile(next, text, { mode: 0o600, flush: true })
  await chmod(next, 0o600)
  await rename(next, file)
}
