import type { Fields } from '../config-fields.ts'

/** Where the Redis is that takes the writes: itself; by its Sentinels and the name that they know it by; or by nodes of its Cluster. */
export type RedisAddress = { url: string } | { sentinels: string[]; name: string } | { nodes: string[] }

export type RedisConfig = RedisAddress & {
  kind: 'redis'
  /** Of all keys; in a Cluster with a hash tag (`dred:{1}:`), so that they share a slot. Default: one made of registry and server id. */
  prefix?: string
  username?: string
  /** File with the password, one line. */
  passwordFile?: string
  /** What the Sentinels ask for, when it is not the same. */
  sentinelUsername?: string
  sentinelPasswordFile?: string
  /** PEM files; without a CA those of the system are trusted. `rediss://` alone turns TLS on, too. */
  tls?: { caFile?: string; certFile?: string; keyFile?: string; servername?: string }
  /** Replicas that must have a message before it is acknowledged. Default: 0. */
  replicas?: number
  /** Milliseconds within which they must have it. Default: 2,000. */
  replicaTimeoutMs?: number
}

/** The `store` part of the configuration. */
export type StoreConfig = SqliteConfig | RedisConfig

export interface SqliteConfig {
  kind: 'sqlite'
  path: string
  /** Bytes that the file of the database may have. Default: as many as the disk has room for. */
  maxBytes?: number
}

const URL_PATTERN = /^rediss?:\/\/[^/\s]/
const URL_EXPECTED = 'a redis:// or rediss:// address'
const TEXTS = ['prefix', 'username', 'passwordFile', 'sentinelUsername', 'sentinelPasswordFile'] as const
const TLS_TEXTS = ['caFile', 'certFile', 'keyFile', 'servername'] as const

export function readStoreConfig(fields: Fields): StoreConfig {
  const kind = fields.oneOf('kind', ['sqlite', 'redis'])
  const store: StoreConfig = kind === 'sqlite' ? readSqlite(fields) : readRedis(fields)
  fields.refuseUnknown()
  return store
}

function readSqlite(fields: Fields): SqliteConfig {
  const path = fields.string('path', { expected: 'the path of a database file' })
  const bounds = { min: 16_777_216, max: Number.MAX_SAFE_INTEGER }
  return { kind: 'sqlite', path, ...(fields.has('maxBytes') ? { maxBytes: fields.integer('maxBytes', bounds) } : {}) }
}

function readRedis(fields: Fields): RedisConfig {
  const config: RedisConfig = {
    kind: 'redis',
    ...readAddress(fields),
    ...textsOf(fields, TEXTS),
    ...(fields.has('tls') ? { tls: readTls(fields.table('tls')) } : {}),
    ...(fields.has('replicas') ? { replicas: fields.integer('replicas', { min: 0, max: 16 }) } : {}),
    ...(fields.has('replicaTimeoutMs') ? { replicaTimeoutMs: fields.integer('replicaTimeoutMs', { min: 10, max: 4_000 }) } : {}),
  }
  if ('nodes' in config && config.prefix !== undefined && !/\{[^}]+\}/.test(config.prefix)) {
    fields.report('prefix', config.prefix, 'a text with a hash tag, as in dred:{1}:')
  }
  return config
}

function readAddress(fields: Fields): RedisAddress {
  const given = ['url', 'sentinels', 'nodes'].filter((name) => fields.has(name))
  if (given.length > 1) fields.report(given[1] ?? '', '', `left out beside ${given[0]}`)
  if (fields.has('sentinels')) return { sentinels: readUrls(fields, 'sentinels'), name: fields.string('name') }
  if (fields.has('nodes')) return { nodes: readUrls(fields, 'nodes') }
  return { url: fields.string('url', { pattern: URL_PATTERN, expected: URL_EXPECTED }) }
}

function readUrls(fields: Fields, name: string): string[] {
  const urls = fields.strings(name)
  const schemes = new Set(urls.map((url) => URL_PATTERN.test(url) && url.split(':')[0]))
  if (schemes.size !== 1 || schemes.has(false)) fields.report(name, urls, `a list of redis:// or of rediss:// addresses`)
  return urls
}

function readTls(fields: Fields): NonNullable<RedisConfig['tls']> {
  const tls = textsOf(fields, TLS_TEXTS)
  fields.refuseUnknown()
  return tls
}

function textsOf<T extends string>(fields: Fields, names: readonly T[]): Partial<Record<T, string>> {
  const given = names.filter((name) => fields.has(name)).map((name) => [name, fields.string(name)] as const)
  return Object.fromEntries(given) as Partial<Record<T, string>>
}
