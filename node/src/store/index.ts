import { readFile } from 'node:fs/promises'
import type { Log } from '../log.ts'
import { StartupError } from '../startup-error.ts'
import { messageOf } from '../thrown.ts'
import type { RedisConfig, StoreConfig } from './config.ts'
import type { Store } from './port.ts'

/**
 * Opens the configured store; only its adapter is loaded.
 * @param prefix of the keys in a Redis, which may hold other servers' stores too, unless one is configured
 * @throws DredError `store_unavailable` when it cannot be opened now; the detail says why. StartupError `config` for unreadable files
 */
export async function openStore(config: StoreConfig, prefix: string, log?: Log): Promise<Store> {
  if (config.kind === 'sqlite') return (await import('./sqlite.ts')).openSqliteStore(config)
  const { openRedisStore } = await import('./redis.ts')
  return openRedisStore({ prefix, ...(log === undefined ? {} : { log }), ...(await withFiles(config)) })
}

/**
 * Asks a Redis whether it is there, lets this server in and keeps what it is given.
 * @returns where it is, and what its operator should know
 * @throws StartupError `store_unavailable`, or `config` for unreadable files
 */
export async function probeStore(config: RedisConfig): Promise<string> {
  const [{ createClient, whereOf }, { examineRedis }] = await Promise.all([import('./redis-client.ts'), import('./redis-health.ts')])
  const options = { prefix: 'dred:', ...(await withFiles(config)) }
  const client = createClient(options, { retryStrategy: () => null })
  // Who connects is told only that the connection is closed.
  let refused: Error | undefined
  client.on('error', (error: Error) => {
    refused = error
  })
  try {
    await client.connect()
    const warning = await examineRedis(client)
    return warning === undefined ? whereOf(options) : `${whereOf(options)}. ${warning}`
  } catch (error) {
    const cause = refused ?? error
    const why = messageOf(cause)
    throw new StartupError('store_unavailable', `Redis at ${whereOf(options)} cannot be used: ${why}`, cause)
  } finally {
    client.disconnect()
  }
}

/** With the contents of the files in place of their names. */
async function withFiles({ passwordFile, sentinelPasswordFile, tls, ...config }: RedisConfig) {
  const [password, sentinelPassword, ca, cert, key] = await Promise.all([
    read('passwordFile', passwordFile),
    read('sentinelPasswordFile', sentinelPasswordFile),
    read('tls.caFile', tls?.caFile),
    read('tls.certFile', tls?.certFile),
    read('tls.keyFile', tls?.keyFile),
  ])
  const servername = tls?.servername
  return {
    ...config,
    ...defined({ password: password?.trim(), sentinelPassword: sentinelPassword?.trim() }),
    ...(tls === undefined ? {} : { tls: defined({ ca, cert, key, servername }) }),
  }
}

async function read(name: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  return readFile(path, 'utf8').catch((cause: unknown) => {
    const why = messageOf(cause)
    throw new StartupError('config', `${path}, named by store.${name}, cannot be read: ${why}`, cause)
  })
}

function defined<T extends string>(values: Record<T, string | undefined>): Partial<Record<T, string>> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as Partial<Record<T, string>>
}
