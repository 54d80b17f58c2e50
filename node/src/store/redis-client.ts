import type { ConnectionOptions } from 'node:tls'
import { Redis, type RedisOptions } from 'ioredis'
import type { Log } from '../log.ts'
import type { RedisAddress } from './config.ts'
import { type Address, byNodes, bySentinels, DISCONNECT_MS, Writer } from './redis-writer.ts'

const DEFAULT_TIMEOUT_MS = 5_000
/** Within which one Sentinel or node is to say who takes writes, at most. */
const ASK_TIMEOUT_MS = 1_000
/** Delay before an attempt to connect again, in milliseconds. */
const RECONNECT_MS = { first: 20, most: 1_000 }

/**
 * Of these a connection is of no use any more: it leads to a Redis that does not take writes now, or that was told to forget its scripts
 * (what is sent anew then would come after the WAIT that was to cover it).
 */
const ENDS_CONNECTION = /^(MOVED|READONLY|CLUSTERDOWN|MASTERDOWN|NOSCRIPT)\b/

/** Addresses are URLs, with credentials if need be; those given beside them are used where a URL has none. */
export type RedisConnectionOptions = RedisAddress & {
  /** Of all keys, for one server's store alone; with a hash tag (`dred:{…}:`), so that a Cluster keeps them together. */
  prefix: string
  username?: string
  password?: string
  /** Of the Sentinels. */
  sentinelUsername?: string
  sentinelPassword?: string
  tls?: ConnectionOptions
  /** Milliseconds without an answer after which the connection counts as lost; default 5,000. */
  timeoutMs?: number
  /** Replicas that must have what was written before it counts as written; default 0. */
  replicas?: number
  /** Milliseconds that they have for it; default 2,000. */
  replicaTimeoutMs?: number
  log?: Log
}

/**
 * A client of ioredis that connects to the Redis that takes this store's writes: found anew before every connect, where there are
 * Sentinels or a Cluster. Nothing is sent twice, and nothing waits while it is away. It is not connected yet.
 */
export function createClient(options: RedisConnectionOptions, overrides: RedisOptions = {}, writer = writerOf(options)): Redis {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options
  const common: RedisOptions = {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disconnectTimeout: DISCONNECT_MS,
    retryStrategy: reconnectDelay,
    reconnectOnError: (error) => (ENDS_CONNECTION.test(error.message) ? 1 : false),
  }
  const [first] = urlsOf(options)
  const { host, port, db, ...secured } = accessOf(options, first)
  const where: RedisOptions = writer ? { Connector: writer.Connector } : { host, port, db }
  return new Redis({ ...common, ...secured, ...where, ...overrides, protocol: 2, replyMapping: 'legacy' })
}

/** Milliseconds to wait before an attempt, counted from 1. */
export function reconnectDelay(attempt: number): number {
  return Math.min(RECONNECT_MS.first * 2 ** Math.min(attempt, 10), RECONNECT_MS.most)
}

/** Hosts and ports, without credentials. */
export function whereOf(options: RedisAddress): string {
  return urlsOf(options)
    .map((url) => (URL.canParse(url) ? new URL(url).host : 'the configured address'))
    .join(', ')
}

/** Who takes writes, where that may change; undefined where it is one Redis for good. */
export function writerOf(options: RedisConnectionOptions): Writer | undefined {
  if ('url' in options) return undefined
  const urls = urlsOf(options)
  const { username, password, tls } = accessOf(options, urls[0])
  const timeoutMs = Math.min(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, ASK_TIMEOUT_MS)
  const ask = { timeoutMs, ...(tls === undefined ? {} : { tls }) }
  const addresses = urls.map(addressOf)
  if ('nodes' in options) return new Writer(byNodes(addresses, options.prefix, { ...ask, ...credentials(username, password) }), tls)
  const own = credentials(options.sentinelUsername, options.sentinelPassword)
  return new Writer(bySentinels(addresses, options.name, { ...ask, ...own }), tls)
}

function urlsOf(options: RedisAddress): string[] {
  if ('url' in options) return [options.url]
  return 'nodes' in options ? options.nodes : options.sentinels
}

/** How to reach and be let in. A URL's user and password are those of Redis, not of its Sentinels. */
function accessOf(options: RedisConnectionOptions, first = '') {
  const url = URL.canParse(first) ? new URL(first) : undefined
  const named = 'sentinels' in options ? undefined : url
  const username = decodeURIComponent(named?.username ?? '') || options.username
  const password = decodeURIComponent(named?.password ?? '') || options.password
  const tls = options.tls ?? (url?.protocol === 'rediss:' ? {} : undefined)
  const db = Number(url?.pathname.slice(1) ?? 0) || 0
  return { ...addressOf(first), db, ...credentials(username, password), ...(tls === undefined ? {} : { tls }) }
}

function credentials(username: string | undefined, password: string | undefined) {
  return { ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) }
}

function addressOf(text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined
  // An IPv6 address stands in brackets.
  return { host: url?.hostname.replace(/^\[|\]$/g, '') ?? '', port: Number(url?.port || 6_379) }
}
